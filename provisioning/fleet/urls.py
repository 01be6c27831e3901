"""Addresses of the list of applications and of batches."""

from django.urls import path

from .views import applications, batches

urlpatterns = [
    path("provisioning/environment/applications/", applications.application_list, name="application-list"),
    path("provisioning/environment/applications/action/", applications.application_action, name="application-action"),
    path("provisioning/environment/applications/<int:pk>/clone/", applications.application_clone,
         name="application-clone"),
    path("provisioning/environment/applications/<int:pk>/delete/", applications.application_delete,
         name="application-delete"),
    path("provisioning/environment/applications/<int:pk>/install/", applications.application_install,
         name="application-install"),
    path("provisioning/environment/applications/<int:pk>/status/", applications.application_status,
         name="application-status"),
    path("operations/jobs/batches/<uuid:pk>/", batches.batch_detail, name="batch-detail"),
    path("operations/jobs/batches/<uuid:pk>/retry/", batches.batch_retry, name="batch-retry"),
    path("operations/jobs/batches/<uuid:pk>/cancel/", batches.batch_cancel, name="batch-cancel"),
]
