"""Addresses of jobs and what makes them."""

from django.urls import path

from .views import certificates, jobs, start_files

urlpatterns = [
    path("provisioning/environment/applications/<int:pk>/certificates/", certificates.application_certificates,
         name="application-certificates"),
    path("provisioning/environment/applications/<int:pk>/start-files/", start_files.application_start_files,
         name="application-start-files"),
    path("operations/jobs/", jobs.job_list, name="job-list"),
    path("operations/jobs/<uuid:pk>/", jobs.job_detail, name="job-detail"),
    path("operations/jobs/<uuid:pk>/lines/", jobs.job_lines, name="job-lines"),
    path("operations/jobs/<uuid:pk>/cancel/", jobs.job_cancel, name="job-cancel"),
    path("operations/jobs/<uuid:pk>/retry/", jobs.job_retry, name="job-retry"),
]
