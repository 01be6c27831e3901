"""Addresses of hosts, of what they ask for, and of machines that join."""

from django.urls import path

from .views import host_api, hosts, joining, ssh_joining

urlpatterns = [
    path("provisioning/environment/hosts/", hosts.host_list, name="host-list"),
    path("provisioning/environment/hosts/new/", hosts.host_new, name="host-new"),
    path("provisioning/environment/hosts/<int:pk>/", hosts.host_detail, name="host-detail"),
    path("provisioning/environment/hosts/<int:pk>/edit/", hosts.host_edit, name="host-edit"),
    path("provisioning/environment/hosts/<int:pk>/delete/", hosts.host_delete, name="host-delete"),
    path("provisioning/environment/hosts/<int:pk>/ladder/", hosts.host_ladder, name="host-ladder"),
    path("provisioning/environment/hosts/<int:pk>/join/", joining.host_join, name="host-join"),
    path("provisioning/environment/hosts/<int:pk>/join/ssh/", ssh_joining.host_join_ssh, name="host-join-ssh"),
    path("provisioning/environment/hosts/<int:pk>/join/revoke/", joining.host_join_revoke, name="host-join-revoke"),
    path("host-api/packages/<int:pk>/file", host_api.package_file, name="host-package-file"),
    path("host-api/applications/<int:pk>/certificate", host_api.application_certificate,
         name="host-application-certificate"),
    path("host-api/applications/<int:pk>/secret", host_api.application_secret, name="host-application-secret"),
    path("join/program", joining.program, name="join-program"),
    path("join/bundle", joining.archive, name="join-bundle"),
    path("join/stage", joining.stage, name="join-stage"),
    path("join/exchange", joining.exchange, name="join-exchange"),
    path("join/state", joining.state, name="join-state"),
    path("join/leave", joining.leave, name="join-leave"),
]
