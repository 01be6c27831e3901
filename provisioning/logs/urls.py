"""Addresses of the centralized log."""

from django.urls import path

from . import views

urlpatterns = [
    path("monitoring/log/", views.log_list, name="log-list"),
    path("monitoring/log/newest/", views.log_newest, name="log-newest"),
    path("monitoring/log/settings/", views.log_settings, name="log-settings"),
    path("monitoring/log/export/<slug:log_format>/", views.log_export, name="log-export"),
    path("monitoring/log/<int:pk>/", views.log_record, name="log-record"),
]
