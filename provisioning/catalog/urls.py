"""Addresses of Application Templates and Installation Packages."""

from django.urls import path

from .views import packages, templates

urlpatterns = [
    path("provisioning/environment/templates/", templates.template_list, name="template-list"),
    path("provisioning/environment/templates/import/", templates.template_import, name="template-import"),
    path("provisioning/environment/templates/<int:pk>/", templates.template_detail, name="template-detail"),
    path("provisioning/environment/templates/<int:pk>/delete/", templates.template_delete, name="template-delete"),
    path("provisioning/environment/packages/", packages.package_list, name="package-list"),
    path("provisioning/environment/packages/import/", packages.package_import, name="package-import"),
    path("provisioning/environment/packages/client/", packages.client_download, name="client-package"),
    path("provisioning/environment/packages/<int:pk>/", packages.package_detail, name="package-detail"),
    path("provisioning/environment/packages/<int:pk>/delete/", packages.package_delete, name="package-delete"),
]
