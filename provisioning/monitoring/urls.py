"""Addresses of the dashboard, the timeline and the health."""

from django.urls import path

from .views import health, monitoring, wall

urlpatterns = [
    path("monitoring/", monitoring.dashboard, name="monitoring"),
    path("monitoring/troubles/", monitoring.troubles, name="troubles"),
    path("monitoring/events/", monitoring.event_list, name="event-list"),
    path("monitoring/wall/", wall.wall_display, name="wall-display"),
    path("monitoring/wall/<str:token>/", wall.wall_page, name="wall"),
    path("monitoring/events/export/<slug:list_format>/", monitoring.event_export, name="event-export"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("livez", health.livez, name="livez"),
]
