"""What the process of the log reader keeps: log records (docs/log.md) and figures of servers and hosts
(docs/charts.md). Written by it alone; pages and commands read.

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


KIND_CHARACTERS, HOLDER_CHARACTERS = 8, 32


class Recording(models.Model):
    """Who records figures, one row: of several consoles with one log database one does. ``at``: of its last ones, Unix
    time in seconds."""

    holder = models.CharField(max_length=HOLDER_CHARACTERS)
    at = models.BigIntegerField()

    def __str__(self):
        return f"{self.holder} at {self.at}"


class Sample(models.Model):
    """Figures of up to charts.rules.blocks.SIZE objects of one moment (``at``, Unix time in seconds): one row in place
    of many, until an hour of them is folded into a row of Stretch for each object. ``figures``: charts.rules.packing.
    """

    kind = models.CharField(max_length=KIND_CHARACTERS)
    block = models.PositiveBigIntegerField()
    at = models.BigIntegerField(db_index=True)
    figures = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "block", "at"], name="sample_once")]

    def __str__(self):
        return f"{self.kind}s of block {self.block} at {self.at}"


class Stretch(models.Model):
    """Figures of one object, an hour of those of every 10 s or a day of those of every 5 min (``step``, s), from
    ``begins`` on (Unix time in seconds). ``object_id`` is the key of an application or a host, by ``kind``."""

    kind = models.CharField(max_length=KIND_CHARACTERS)
    object_id = models.PositiveBigIntegerField()
    step = models.PositiveIntegerField()
    begins = models.BigIntegerField()
    figures = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "object_id", "step", "begins"], name="stretch_once")]
        # What is old is found by it, however much is kept.
        indexes = [models.Index(fields=["step", "begins"], name="stretch_by_age")]

    def __str__(self):
        return f"{self.kind} {self.object_id} from {self.begins}"


class LastHour(models.Model):
    """Messages acknowledged a second by the servers of a block in each minute of the hour that ends with ``minute``
    (Unix time in minutes): what lists show in one query."""

    block = models.PositiveBigIntegerField(primary_key=True)
    minute = models.BigIntegerField()
    figures = models.BinaryField()

    def __str__(self):
        return f"block {self.block}"
