"""Modules that say at the registries of lower ones what they own; each is imported once, when Django has its models."""

from provisioning.jobs import certificate_ports, installing
from provisioning.jobs import looks as look_jobs
from provisioning.selectors import switching
from provisioning.services import application_versions, catalog_versions, host_versions, jobs, looks

OWNERS = (certificate_ports, installing, look_jobs, switching, application_versions, catalog_versions,
          host_versions, jobs, looks)
