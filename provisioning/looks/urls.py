"""Addresses of looks on hosts."""

from django.urls import path

from . import views

urlpatterns = [
    path("provisioning/environment/hosts/<int:pk>/look/", views.host_look, name="host-look"),
]
