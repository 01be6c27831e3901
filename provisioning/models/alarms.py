"""Alarm Conditions and the alarms that they raised (docs/alarms.md)."""

from django.core.validators import MaxValueValidator
from django.db import models

from provisioning.spelling import SortKey
from provisioning.states import (
    AlarmCategory,
    AlarmEnd,
    AlarmSelection,
    ApplicationType,
    MaintenanceKind,
    ReactionState,
    ReactionVerb,
)

from .notifications import Channel, Delivery

LONGEST_TIMEOUT_H = 24 * 365
NOTE_CHARACTERS = 1000


class AlarmCondition(models.Model):
    """Which event raises an alarm, and what clears it. Events are numbers without their type, ``cancel_event`` 0 for
    none; ``cancel_timeout`` in hours, 0 for none. ``application`` is a name, not a key: programs that only write into
    the log have no object. ``predefined`` names what Pairwise brings (alarms/predefined.py), "" for a condition of
    people.

    ``reactions`` are values of ReactionVerb, carried out in their order about the application of an alarm that was
    raised; ``channels`` are told of it. The same of one that was cleared."""

    name = models.CharField("Name", max_length=255, unique=True)
    description = models.CharField("Description", max_length=1024, blank=True)
    category = models.CharField("Category", max_length=8, choices=AlarmCategory, default=AlarmCategory.MAJOR)
    detect_event = models.PositiveIntegerField("Detect Event")
    selection_mode = models.CharField("Selection Mode", max_length=16, choices=AlarmSelection,
                                      default=AlarmSelection.ANY)
    application_type = models.CharField("Application Type", max_length=32, choices=ApplicationType, blank=True)
    application = models.CharField("Application", max_length=255, blank=True)
    cancel_event = models.PositiveIntegerField("Cancel Event", default=0)
    cancel_timeout = models.PositiveIntegerField("Cancel Timeout", default=24, validators=[
        MaxValueValidator(LONGEST_TIMEOUT_H)])
    enabled = models.BooleanField("Enabled", default=True)
    reactions = models.JSONField("Reactions", default=list, blank=True)
    channels = models.ManyToManyField(Channel, related_name="conditions", blank=True)
    clearance_reactions = models.JSONField("Clearance Reactions", default=list, blank=True)
    clearance_channels = models.ManyToManyField(Channel, related_name="clearance_conditions", blank=True)
    predefined = models.CharField(max_length=32, blank=True, editable=False)
    revision = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        ordering = [SortKey("name"), "name"]
        constraints = [models.UniqueConstraint(name="one_condition_a_predefined_name", fields=["predefined"],
                                               condition=~models.Q(predefined=""))]

    def __str__(self):
        return self.name

    @property
    def verbs(self) -> list[ReactionVerb]:
        """What of ``reactions`` this version does."""
        return _verbs(self.reactions)

    @property
    def clearance_verbs(self) -> list[ReactionVerb]:
        return _verbs(self.clearance_reactions)


def _verbs(value: object) -> list[ReactionVerb]:
    return [verb for verb in ReactionVerb if verb in value] if isinstance(value, list) else []


class Alarm(models.Model):
    """What a condition raised, about an application or, where ``application`` is "", about a host. It says all of it in
    words, so it outlives the condition, the application and the host.

    ``raised_at`` and ``last_at`` are the times of the first and the last of its events, of which there were ``times``;
    ``ends_at`` is when its timeout clears it, None for never. ``cleared_by`` is who did it by hand, ``cleared_how``
    what did. ``masked``: a maintenance goes on, so nobody is told. ``cause``: the alarm about the host that went with
    it. ``supervised``: what it is about was an application or a host of Pairwise when it was raised. ``end_told``: it
    was cleared, and no notification rule has anything more to tell of it.
    """

    condition = models.ForeignKey(AlarmCondition, null=True, on_delete=models.SET_NULL, related_name="alarms")
    condition_name = models.CharField(max_length=255)
    category = models.CharField(max_length=8, choices=AlarmCategory)
    number = models.PositiveIntegerField()
    application = models.CharField(max_length=255, blank=True)
    application_type = models.CharField(max_length=64, blank=True)
    host = models.CharField(max_length=255, blank=True)
    text = models.TextField(blank=True)
    raised_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    ends_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)
    cleared_how = models.CharField(max_length=8, choices=AlarmEnd, blank=True)
    cleared_by = models.CharField(max_length=150, blank=True)
    clear_reason = models.CharField(max_length=NOTE_CHARACTERS, blank=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, blank=True)
    note = models.CharField(max_length=NOTE_CHARACTERS, blank=True)
    masked = models.BooleanField(default=False)
    supervised = models.BooleanField(default=False)
    cause = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="consequences")
    end_told = models.BooleanField(default=False)

    followed: int
    """How many active alarms follow from it, of rows of ``alarms.selectors.alarms``."""

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="one_active_alarm_an_application", fields=["condition", "application"],
                                    condition=models.Q(cleared_at=None) & ~models.Q(application="")),
            models.UniqueConstraint(name="one_active_alarm_a_host", fields=["condition", "host"],
                                    condition=models.Q(cleared_at=None, application="")),
        ]
        indexes = [models.Index(fields=["cleared_at", "id"]),
                   models.Index(name="alarm_whose_end_is_to_tell", fields=["id"],
                                condition=models.Q(cleared_at__isnull=False, end_told=False))]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        """What History calls it."""
        return f"{self.condition_name}: {self.about}" if self.about else self.condition_name

    @property
    def about(self) -> str:
        """The application, else the host; "" for what is about none."""
        return self.application or self.host

    @property
    def is_active(self) -> bool:
        return self.cleared_at is None


class Reaction(models.Model):
    """What is done because an alarm was raised or, ``is_clearance``, cleared: ``verb`` with its application or, where
    that is "", ``delivery`` tells a channel. ``tries`` of a verb began so far, the next one at ``due_at``; ``said`` is
    what came of the last one, as a sentence."""

    alarm = models.ForeignKey(Alarm, on_delete=models.CASCADE, related_name="reactions")
    verb = models.CharField(max_length=12, choices=ReactionVerb, blank=True)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="+")
    channel_name = models.CharField(max_length=255, blank=True)
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.SET_NULL, related_name="+")
    is_clearance = models.BooleanField(default=False)
    state = models.CharField(max_length=12, choices=ReactionState, default=ReactionState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    said = models.CharField(max_length=NOTE_CHARACTERS, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["state", "due_at"])]

    def __str__(self):
        return f"{self.get_verb_display()} of {self.alarm.application}" if self.verb else f"Tell {self.channel_name}"


class Maintenance(models.Model):
    """A time in which alarms about something are masked. ``name``: of the host or application, or of the primary of
    the pair; no key, as alarms have none. One that was cancelled before its time ends as it begins."""

    kind = models.CharField("About", max_length=12, choices=MaintenanceKind)
    name = models.CharField("Name", max_length=255)
    begins_at = models.DateTimeField("From")
    ends_at = models.DateTimeField("To")
    reason = models.CharField("Reason", max_length=NOTE_CHARACTERS)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-ends_at", "-id"]
        constraints = [models.CheckConstraint(name="maintenance_ends_after_it_begins",
                                              condition=models.Q(ends_at__gte=models.F("begins_at")))]
        indexes = [models.Index(fields=["ends_at"])]

    def __str__(self):
        return f"{self.get_kind_display()} {self.name}"


class AlarmMark(models.Model):
    """How far events and log records were judged: one row, written together with the alarms.

    ``seen`` are the events just before ``event_id`` that were judged: a transaction that began earlier may end later.
    ``judged`` names the last events and records that a condition was about, so that what comes by both ways counts
    once. ``moves`` grows with every step: of two judges one takes it."""

    event_id = models.BigIntegerField(default=0)
    record_id = models.BigIntegerField(default=0)
    seen = models.JSONField(default=list)
    judged = models.JSONField(default=list)
    moves = models.PositiveBigIntegerField(default=0)

    def __str__(self):
        return f"{self.event_id}, {self.record_id}"
