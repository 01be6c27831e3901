"""What the reader of log records keeps (docs/log.md). Written by it alone; pages and commands read.

It stands in a database of its own, which may have millions of rows and takes many a second, so no key refers to an
object of the Configuration Database: applications are named by their ids and names.
"""

from django.db import models

ALIAS = "log"
"""The database of these tables, in settings.DATABASES."""
LEVEL_CHARACTERS, NUMBER_CHARACTERS, NAME_CHARACTERS, TYPE_CHARACTERS = 12, 16, 255, 64


class Followed(models.Model):
    """A pair whose records are, or were, read, and how far: the record ``(epoch, seq)`` was the last one, 0 before the
    first. ``application_id`` and ``identity`` name the primary's object as control's record does: an older
    Configuration Database that was put back may give an id away again. ``moves`` grows with every step, so that of two
    readers only one takes it. ``unreadable`` counts what was no log record.
    """

    application_id = models.BigIntegerField()
    identity = models.CharField(max_length=32)
    name = models.CharField(max_length=NAME_CHARACTERS)
    epoch = models.PositiveBigIntegerField(default=0)
    seq = models.PositiveBigIntegerField(default=0)
    moves = models.PositiveBigIntegerField(default=0)
    unreadable = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["application_id", "identity"], name="followed_once")]

    def __str__(self):
        return self.name


class Published(models.Model):
    """How far the console has published what it knows: all of ``kind`` (worker/unsent.py) up to ``number``."""

    kind = models.CharField(max_length=16, unique=True)
    number = models.PositiveBigIntegerField()

    def __str__(self):
        return f"{self.kind} {self.number}"


class Record(models.Model):
    """One log record. ``(pair, epoch, seq)`` names it for ever (docs/message-protocol.md).

    ``at`` is when it happened by its publisher, ``received`` when the Message Server took it: Unix time in
    milliseconds. ``number`` is the event as it was written, ``event`` the same without its type, 0 for none.
    """

    pair = models.ForeignKey(Followed, on_delete=models.PROTECT, related_name="records", db_index=False)
    epoch = models.PositiveBigIntegerField()
    seq = models.PositiveBigIntegerField()
    at = models.BigIntegerField()
    received = models.BigIntegerField()
    level = models.CharField(max_length=LEVEL_CHARACTERS)
    number = models.CharField(max_length=NUMBER_CHARACTERS, blank=True)
    event = models.PositiveIntegerField(default=0)
    category = models.CharField(max_length=LEVEL_CHARACTERS)
    application = models.CharField(max_length=NAME_CHARACTERS, blank=True)
    type = models.CharField(max_length=TYPE_CHARACTERS, blank=True)
    host = models.CharField(max_length=NAME_CHARACTERS, blank=True)
    text = models.TextField(blank=True)
    attributes = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pair", "seq", "epoch"], name="record_once")]
        # The newest of all, of a level, an event, an application or a host are read from the end of one of these,
        # however many rows there are and however far back one has gone.
        indexes = [models.Index(fields=[*first, "at", "id"], name=f"record_{''.join(first) or 'all'}")
                   for first in ([], ["level"], ["event"], ["application"], ["host"])]

    def __str__(self):
        return f"{self.epoch}-{self.seq}"
