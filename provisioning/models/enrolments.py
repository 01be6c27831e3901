import base64
import hashlib
import secrets

from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from provisioning.keys import all_keys

from .hosts import Host


def new_nonce() -> str:
    return secrets.token_hex(16)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class HostEnrolment(models.Model):
    """One token with which one machine may join as ``host`` once, and how far it came.

    The token (256 bits) is derived from the console's secret key and ``nonce``, so its page can be opened again and
    the database has only its hash. ``stages`` are {name, state, text, at} in the order of their first word.
    """

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="enrolments")
    nonce = models.CharField(max_length=32, default=new_nonce, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_from = models.CharField(max_length=64, blank=True)
    revoked_at = models.DateTimeField(null=True)
    stages = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.host_id}: {self.created_at:%Y-%m-%d %H:%M:%S}"

    @property
    def token(self) -> str:
        """What the machine shows, "" when none of our keys made it. Goes into the host's page for whoever may manage
        hosts, and nowhere else."""
        made = (salted_hmac("pairwise.host-enrolment", self.nonce, secret=key, algorithm="sha256").digest()
                for key in all_keys())
        tokens = (base64.urlsafe_b64encode(digest).rstrip(b"=").decode() for digest in made)
        return next((token for token in tokens if self.token_hash in ("", token_hash(token))), "")

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.revoked_at is None and self.expires_at > timezone.now()
