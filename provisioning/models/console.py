"""What this console is called elsewhere, whatever its key is and was."""

import secrets

from django.db import models


def new_broker_prefix() -> str:
    return f"pairwise-{secrets.token_hex(4)}-host-"


class Console(models.Model):
    """One row. ``broker_prefix``: what the names of its hosts' accounts at the broker begin with, as several consoles
    may share one; hosts keep these names on their disks, so they outlive a rotation of the key."""

    name = "this console"
    broker_prefix = models.CharField(max_length=64, default=new_broker_prefix, editable=False)

    def __str__(self):
        return self.name

    @classmethod
    def this(cls) -> "Console":
        return cls.objects.get_or_create(pk=1)[0]
