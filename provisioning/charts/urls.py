"""Addresses of charts."""

from django.urls import path

from . import views

urlpatterns = [
    path("provisioning/environment/applications/<int:pk>/charts/", views.application_charts,
         name="application-charts"),
    path("monitoring/pairs/<int:pk>/charts/", views.pair_charts, name="pair-charts"),
    path("provisioning/environment/hosts/<int:pk>/charts/", views.host_charts, name="host-charts"),
]
