"""What control must have on disk before anybody is told (docs/pair.md, One decider, one record).

Written by control only. It stands in a database of its own, so no key refers to an object of the Configuration
Database: applications are named by their ids. What pages show of it are copies there (``models.PairState``).
"""

from django.db import models

from .columns import Decided

ALIAS = "control"
"""The database of these tables, in settings.DATABASES."""


class PairRecord(Decided):
    """The durable record of a pair, or of a single server; every server application has one once it was granted a role.

    Every write is conditional on ``version`` as it was read. ``identity`` tells whether it is still the same
    application: an older Configuration Database that was put back may give an id away again. ``generation`` is the one
    in which it was last written. ``gone_at``: since when the application does not exist any more.
    """

    application_id = models.BigIntegerField(primary_key=True)
    identity = models.CharField(max_length=32, blank=True)
    active_id = models.BigIntegerField(null=True)
    generation = models.PositiveBigIntegerField(default=0)
    gone_at = models.DateTimeField(null=True)


class Leadership(models.Model):
    """Which control leads: one row. ``holder`` (an instance, "" for nobody) leads at ``address`` in ``term``, which
    grows with every change of leaders; ``beat`` grows with each of its signs of life. ``position`` counts what was
    written into records, over all terms."""

    name = models.CharField(max_length=16, primary_key=True)
    term = models.PositiveBigIntegerField(default=0)
    holder = models.CharField(max_length=1024, blank=True)
    address = models.CharField(max_length=280, blank=True)
    beat = models.PositiveBigIntegerField(default=0)
    since = models.DateTimeField(null=True)
    position = models.PositiveBigIntegerField(default=0)

    def __str__(self):
        return f"term {self.term}: {self.address}"


class Generation(models.Model):
    """A stretch of this database's history: from ``first_position`` on, until the next one begins. ``mark`` is random:
    two histories that part at a restored copy have generations of the same number with different marks.
    ``after_restore``: it began because somebody alive remembered more than this database did."""

    number = models.PositiveBigIntegerField(primary_key=True)
    mark = models.CharField(max_length=32)
    first_position = models.PositiveBigIntegerField()
    after_restore = models.BooleanField(default=False)
    since = models.DateTimeField()

    def __str__(self):
        return f"generation {self.number}"


ADDRESS, UNWRITTEN_SINCE = "address", "unwritten_since"


class ControlBeat(models.Model):
    """Last sign of life of a control: ``control`` leads, ``control-standby`` does not. ``facts[UNWRITTEN_SINCE]``:
    since when (ISO) what it hears is not in the Configuration Database, None while all of it is.
    ``facts[ADDRESS]``: where the one that leads answers."""

    name = models.CharField(max_length=16, primary_key=True)
    at = models.DateTimeField()
    facts = models.JSONField(default=dict, blank=True)

    def __str__(self):
        return self.name
