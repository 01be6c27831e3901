"""Addresses of channels, notification rules and deliveries."""

from django.urls import path

from .views import channels, deliveries, names
from .views import notification_rules as rules

NOTIFICATIONS = "monitoring/notifications/"

urlpatterns = [
    path(f"{NOTIFICATIONS}channels/", channels.channel_list, name="channel-list"),
    path(f"{NOTIFICATIONS}channels/new/", channels.channel_new, name="channel-new"),
    path(f"{NOTIFICATIONS}channels/<int:pk>/edit/", channels.channel_edit, name="channel-edit"),
    path(f"{NOTIFICATIONS}channels/<int:pk>/delete/", channels.channel_delete, name="channel-delete"),
    path(f"{NOTIFICATIONS}channels/<int:pk>/enable/", channels.channel_enable, name="channel-enable"),
    path(f"{NOTIFICATIONS}channels/<int:pk>/test/", channels.channel_test, name="channel-test"),
    path(f"{NOTIFICATIONS}rules/", rules.rule_list, name="rule-list"),
    path(f"{NOTIFICATIONS}rules/new/", rules.rule_new, name="rule-new"),
    path(f"{NOTIFICATIONS}rules/<int:pk>/edit/", rules.rule_edit, name="rule-edit"),
    path(f"{NOTIFICATIONS}rules/<int:pk>/delete/", rules.rule_delete, name="rule-delete"),
    path(f"{NOTIFICATIONS}deliveries/", deliveries.delivery_list, name="delivery-list"),
    path(f"{NOTIFICATIONS}deliveries/<int:pk>/", deliveries.delivery_detail, name="delivery-detail"),
    path(f"{NOTIFICATIONS}deliveries/<int:pk>/resend/", deliveries.delivery_resend, name="delivery-resend"),
    path(f"{NOTIFICATIONS}names/<str:named>/", names.names, name="notification-names"),
]
