"""History entries, which are only ever added, and the head of the chain that they form (ADR 13)."""

from django.db import models

from provisioning import chain
from provisioning.states import HistoryAction

from .encryption import EncryptedTextField

NEVER = "History entries are only ever added: none is changed or removed."


class EntryIsKept(TypeError):
    """Somebody tried to change or remove history entries."""

    def __init__(self):
        super().__init__(NEVER)


class Entries(models.QuerySet):
    """Reads and adds; everything else is refused, here and by triggers in the database."""

    def update(self, **values):
        raise EntryIsKept

    def delete(self):
        raise EntryIsKept

    def bulk_update(self, objs, fields, batch_size=None):
        raise EntryIsKept

    def update_or_create(self, defaults=None, create_defaults=None, **values):
        raise EntryIsKept


class HistoryEntry(models.Model):
    """Who changed what, when, from where and why; full snapshots with secrets masked. ``history.record`` adds them.

    ``user_id`` and ``object_id`` are plain values: an entry outlives what it names. ``number`` counts without gaps;
    ``digest`` covers all fields and ``previous``, the digest of the entry before (provisioning.chain).
    """

    number = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField(db_index=True)
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=150)
    origin = models.CharField(max_length=64, blank=True, help_text="Address or command the change came from.")
    request_id = models.CharField(max_length=36, blank=True, db_index=True)
    action = models.CharField(max_length=12, choices=HistoryAction)
    object_type = models.CharField(max_length=32)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(max_length=255)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(blank=True)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    objects = Entries.as_manager()
    is_present: bool
    """Whether its object exists now, once ``history.entries.mark_present`` has looked."""

    class Meta:
        ordering = ["-number"]
        indexes = [models.Index(fields=["object_type", "object_id", "at"], name="entry_of_object")]

    def __str__(self):
        return f"{self.action} {self.object_type} {self.object_name}"

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise EntryIsKept
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise EntryIsKept

    @property
    def says_what(self) -> bool:
        """Whether ``reason`` is a whole sentence about what was done, beside which the label of the action says
        nothing."""
        return self.action in (HistoryAction.OPERATED, HistoryAction.SIGN_IN) and bool(self.reason)

    @property
    def version(self) -> dict | None:
        """The object as this entry knows it last: after a change, before a deletion; None for what was only done."""
        return self.after if self.after is not None else self.before


class HistoryHead(models.Model):
    """The end of the chain, one row: how many entries there are and the digest of the last one. Whoever adds entries
    locks it, so the chain has one end. ``seal`` proves that the console wrote it."""

    count = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    def __str__(self):
        return f"{self.count}:{self.digest}"


class HistoryKey(models.Model):
    """A former key of the chain and how far it goes (``chain.Section``): needed to verify what was made with it.

    Encrypted with the present one, so whoever knows a former key and has the database can neither add nor change any.
    """

    section = EncryptedTextField(editable=False)

    def __str__(self):
        return f"former key {self.pk}"

    @classmethod
    def sections(cls) -> tuple[chain.Section, ...]:
        """All of them, in the order of the chain. Raises WrongKey."""
        found = (chain.Section.read(text) for text in cls.objects.values_list("section", flat=True))
        return tuple(sorted(found, key=lambda section: section.last))
