"""Modules that say at the registries of lower ones what they own; each is imported once, when Django has its models."""

from provisioning.applications.services import versions as application_versions
from provisioning.catalog.services import versions as catalog_versions
from provisioning.certificates import worker as certificate_ports
from provisioning.hosts.services import versions as host_versions
from provisioning.looks import services as looks
from provisioning.looks import worker as look_jobs
from provisioning.pairs.selectors import switchover
from provisioning.verbs import worker as installing
from provisioning.verbs.services import jobs

OWNERS = (certificate_ports, installing, look_jobs, switchover, application_versions, catalog_versions,
          host_versions, jobs, looks)
