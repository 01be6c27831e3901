from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from protocol import auth
from provisioning.errors import Link
from provisioning.spelling import SortKey
from provisioning.states import OSType

from .encryption import EncryptedTextField

LCA_PORT_MIN, LCA_PORT_MAX, LCA_PORT_DEFAULT = 2000, 9999, 4999


class Host(models.Model):
    """A machine that runs applications; one agent (LCA) each. Fields and rules: domain.md 1.4."""

    name = models.CharField(max_length=255, unique=True)
    ip_address = models.CharField("IP Address", max_length=64, unique=True)
    os_type = models.CharField("OS Type", max_length=32, choices=OSType, default=OSType.LINUX)
    os_version = models.CharField("OS Version", max_length=64, blank=True)
    lca_port = models.PositiveIntegerField(
        "LCA Port", default=LCA_PORT_DEFAULT,
        validators=[MinValueValidator(LCA_PORT_MIN), MaxValueValidator(LCA_PORT_MAX)],
    )
    enabled = models.BooleanField("State Enabled", default=True)
    secret = EncryptedTextField(default=auth.new_secret, editable=False)
    ssh_host_key = models.TextField(blank=True, editable=False, help_text="The key that was confirmed, for SSH.")
    secret_revision = models.PositiveIntegerField(default=1, editable=False)
    jobs_signed = models.PositiveBigIntegerField(default=0, editable=False, help_text="Numbers its jobs in order.")
    install_root = models.CharField(max_length=1024, blank=True, editable=False,
                                    help_text="Where its agent installs, as said at the join; empty: not said.")
    left_at = models.DateTimeField(null=True, editable=False, help_text="Since when its agent is removed.")
    revision = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    status: str
    application_count: int
    """These two: of rows of a list of hosts (``hosts.selectors.hosts``)."""
    control_at: datetime | None
    asked_at: datetime
    unwritten_since: datetime | None
    """These three: of rows of a list of applications or hosts (``core.control.with_control``)."""

    class Meta:
        ordering = [SortKey("name"), "name"]
        constraints = [
            models.CheckConstraint(
                name="host_lca_port_range",
                condition=models.Q(lca_port__gte=LCA_PORT_MIN, lca_port__lte=LCA_PORT_MAX),
            )
        ]

    def __str__(self):
        return self.name

    @property
    def link(self) -> Link:
        """By which a refusal names it."""
        return Link("host", str(self.pk), self.name)

    def renew_secret(self) -> None:
        """Give the host another secret: whoever has the former one is shut out."""
        self.secret, self.secret_revision = auth.new_secret(), self.secret_revision + 1
        self.save(update_fields=["secret", "secret_revision"])
