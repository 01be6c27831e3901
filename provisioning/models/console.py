"""What this console is called elsewhere, whatever its key is and was."""

import secrets

from django.db import models

from provisioning.states import FactorsOf


def new_broker_prefix() -> str:
    return f"pairwise-{secrets.token_hex(4)}-host-"


class Console(models.Model):
    """One row. ``broker_prefix``: what the names of its hosts' accounts at the broker begin with, as several consoles
    may share one; hosts keep these names on their disks, so they outlive a rotation of the key. ``log_to``: the primary
    of the pair that log records are sent to and read from, and who chose it when. ``wall_digest``: what the address of
    the wall display is compared with, "" while there is none, and who made it when. ``factors_of``: of whom a second
    factor is required, since when."""

    name = "Pairwise"
    broker_prefix = models.CharField(max_length=64, default=new_broker_prefix, editable=False)
    log_to = models.ForeignKey("Application", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    log_to_by = models.CharField(max_length=150, blank=True)
    log_to_at = models.DateTimeField(null=True)
    wall_digest = models.CharField(max_length=64, blank=True, editable=False)
    wall_by = models.CharField(max_length=150, blank=True, editable=False)
    wall_at = models.DateTimeField(null=True, editable=False)
    factors_of = models.CharField("Second factor required for", max_length=16, choices=FactorsOf,
                                  default=FactorsOf.NOBODY)
    factors_since = models.DateTimeField(null=True, editable=False)

    def __str__(self):
        return self.name

    @classmethod
    def this(cls) -> "Console":
        return cls.objects.get_or_create(pk=1)[0]
