"""Addresses of the dashboard, the timeline and the health."""

from django.urls import path

from .views import health, monitoring

urlpatterns = [
    path("monitoring/", monitoring.dashboard, name="monitoring"),
    path("monitoring/troubles/", monitoring.troubles, name="troubles"),
    path("monitoring/events/", monitoring.event_list, name="event-list"),
    path("monitoring/events/export/<slug:list_format>/", monitoring.event_export, name="event-export"),
    path("healthz", health.healthz, name="healthz"),
]
