"""Addresses of alarms and Alarm Conditions."""

from django.urls import path

from .views import alarms, conditions, maintenance

MAINTENANCE = "monitoring/alarms/maintenance/"
CONDITIONS = "provisioning/environment/alarm-conditions/"

urlpatterns = [
    path("monitoring/alarms/", alarms.alarm_list, name="alarm-list"),
    path("monitoring/alarms/strip/", alarms.alarm_strip, name="alarm-strip"),
    path("monitoring/alarms/<int:pk>/", alarms.alarm_detail, name="alarm-detail"),
    path("monitoring/alarms/<int:pk>/acknowledge/", alarms.alarm_acknowledge, name="alarm-acknowledge"),
    path("monitoring/alarms/<int:pk>/clear/", alarms.alarm_clear, name="alarm-clear"),
    path(MAINTENANCE, maintenance.maintenance_list, name="maintenance-list"),
    path(f"{MAINTENANCE}new/", maintenance.maintenance_new, name="maintenance-new"),
    path(f"{MAINTENANCE}<int:pk>/end/", maintenance.maintenance_end, name="maintenance-end"),
    path(CONDITIONS, conditions.condition_list, name="condition-list"),
    path(f"{CONDITIONS}new/", conditions.condition_new, name="condition-new"),
    path(f"{CONDITIONS}<int:pk>/edit/", conditions.condition_edit, name="condition-edit"),
    path(f"{CONDITIONS}<int:pk>/delete/", conditions.condition_delete, name="condition-delete"),
]
