"""Addresses of support bundles."""

from django.urls import path

from . import views

urlpatterns = [
    path("monitoring/pairs/<int:pk>/bundle/", views.pair_bundle, name="pair-bundle"),
]
