"""Where entries of History are sent, and how far each of these has got (docs/audit-shipping.md)."""

from django.db import models

from provisioning.spelling import SortKey
from provisioning.states import AuditFormat

from .applications import MASK
from .encryption import EncryptedTextField


class AuditTarget(models.Model):
    """``address`` says how and where to: ``syslog+tls://host:6514``, ``file:///path`` and the like
    (shipping/rules/addresses.py). ``ca``, ``certificate`` and ``key`` are PEM."""

    name = models.CharField("Name", max_length=255, unique=True)
    description = models.CharField("Description", max_length=1024, blank=True)
    address = models.CharField("Address", max_length=2000)
    format = models.CharField("Format", max_length=8, choices=AuditFormat, default=AuditFormat.RFC5424)
    ca = models.TextField("CA Certificates", blank=True)
    certificate = models.TextField("Client Certificate", blank=True)
    key = EncryptedTextField("Client Key", null=True, blank=True, default="")
    token = EncryptedTextField("Token", null=True, blank=True, default="")
    enabled = models.BooleanField("Enabled", default=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        ordering = [SortKey("name"), "name"]

    def __str__(self):
        return self.name

    @property
    def secrets(self) -> dict[str, str]:
        """{name of a field: text} of those that have a value. Raises WrongKey when they are read from the database."""
        return {name: text for name in ("key", "token") if (text := getattr(self, name))}

    @property
    def shown_secrets(self) -> dict[str, str]:
        """The same with MASK for each text."""
        return dict.fromkeys(self.secrets, MASK)


class Shipment(models.Model):
    """How far ``target`` has got: entries up to ``number`` were taken, the last at ``taken_at``. It is apart from the
    target, so that who saves a target does not set it back.

    ``trouble`` says why the last attempt failed, "" while all is well; ``tries`` have failed in a row. Since
    ``behind_since`` there was something to send; ``told``: an event tells that this lasts too long."""

    target = models.OneToOneField(AuditTarget, on_delete=models.CASCADE, primary_key=True, related_name="shipment")
    number = models.PositiveBigIntegerField(default=0)
    taken_at = models.DateTimeField(null=True)
    trouble = models.TextField(blank=True)
    tries = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    behind_since = models.DateTimeField(null=True)
    told = models.BooleanField(default=False)

    def __str__(self):
        return f"{self.target_id} up to {self.number}"
