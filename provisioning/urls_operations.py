"""Addresses of Jobs, Hosts, Application Templates, Installation Packages, Monitoring, History and of machines."""

from django.urls import path

from provisioning.views import health, host_api, stream

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("stream/", stream.stream, name="stream"),
    path("host-api/packages/<int:pk>/file", host_api.package_file, name="host-package-file"),
    path("host-api/applications/<int:pk>/secret", host_api.application_secret, name="host-application-secret"),
]
