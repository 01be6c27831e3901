from django.db import models

from provisioning.spelling import SortKey
from provisioning.states import ApplicationType, OSType


class ApplicationTemplate(models.Model):
    """The option set and ports that a new application of one type and version starts with (domain.md 1.5).

    ``options`` is {section: {key: {"value": str, "help": str}}}, with "valid" (catalog.valid_values) where the
    file says it; ``ports`` is a list of {"id", "port" (int or null), "protocol", "ha_sync", "description"}.
    """

    application_count: int
    """Of rows of a list of templates (``catalog.selectors.template_list``)."""

    name = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=32, choices=ApplicationType)
    version = models.CharField(max_length=32)
    options = models.JSONField(default=dict, blank=True)
    ports = models.JSONField(default=list, blank=True)
    enabled = models.BooleanField("State Enabled", default=True)
    file_name = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = [SortKey("name"), "name"]

    def __str__(self):
        return self.name


class InstallationPackage(models.Model):
    """An Installation Package that hosts fetch from the console. ``path`` is relative to PAIRWISE_DATA_DIR/packages."""

    name = models.CharField(max_length=255)
    nickname = models.CharField(max_length=64)
    type = models.CharField(max_length=32, choices=ApplicationType)
    version = models.CharField(max_length=32)
    locale = models.CharField(max_length=16, default="ENU")
    os_type = models.CharField("Operating System", max_length=32, choices=OSType, default=OSType.LINUX)
    description = models.TextField(blank=True)
    path = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField()
    imported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = [SortKey("name"), "name", "-imported_at"]

    def __str__(self):
        return f"{self.name} {self.version}"
