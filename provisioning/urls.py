"""Addresses of the pages, of what hosts ask for, and of machines that join: each slice has its own."""

from django.urls import include, path

SLICES = (
    "web", "history", "accounts", "catalog", "applications", "hosts", "looks", "verbs", "pairs", "browse", "drills",
    "messages", "logs", "server_log", "alarms", "notifications", "shipping", "fleet", "audit", "support", "monitoring",
    "searches", "metrics", "charts", "manual")

urlpatterns = [path("", include(f"provisioning.{name}.urls")) for name in SLICES]
