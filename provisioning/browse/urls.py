"""Addresses of the Browse dialogs."""

from django.urls import path

from . import rows, views

urlpatterns = [
    path("browse/templates/", views.templates, name="browse-templates"),
    path("browse/templates/import/", views.import_template, name="browse-templates-import"),
    path("browse/hosts/", views.hosts, name="browse-hosts"),
    path("browse/applications/", views.applications, name="browse-applications"),
    path("browse/servers/", views.servers, name="browse-servers"),
    path("browse/names/<slug:kind>/", views.names, name="browse-names"),
    path("browse/port-info/", rows.port_info, name="port-info"),
    path("browse/connection-info/", rows.connection_info, name="connection-info"),
]
