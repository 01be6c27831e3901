"""Who is told of alarms: channels, notification rules, and the outbox of what was and is to be delivered
(docs/notifications.md)."""

import json

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from provisioning.spelling import SortKey
from provisioning.states import ChannelKind, DeliveryState, Told

from .applications import MASK
from .encryption import EncryptedTextField

ANSWER_CHARACTERS = 1000


class Channel(models.Model):
    """A way to reach somebody. ``settings`` {name: text} and ``secrets``, the same as JSON text and encrypted, are the
    fields of its kind (notifications/rules/kinds.py)."""

    name = models.CharField("Name", max_length=255, unique=True)
    description = models.CharField("Description", max_length=1024, blank=True)
    kind = models.CharField("Kind", max_length=16, choices=ChannelKind)
    settings = models.JSONField(default=dict)
    secrets = EncryptedTextField(null=True, blank=True, default="")
    enabled = models.BooleanField("Enabled", default=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)

    rule_count: int
    has_secrets: bool
    """How many rules tell it, and whether a secret of it is stored, of rows of
    ``notifications.selectors.notifications``."""

    class Meta:
        ordering = [SortKey("name"), "name"]

    def __str__(self):
        return self.name

    @property
    def secret_fields(self) -> dict[str, str]:
        """{name: text} of those that have a value. Raises WrongKey when it is read from the database."""
        return _texts(self._stored_secrets())

    @property
    def plain_fields(self) -> dict[str, str]:
        """{name: text} of the fields that are no secrets."""
        return _texts(self.settings)

    @property
    def is_readable(self) -> bool:
        """Whether all of it is what this version writes. Raises WrongKey when it is read from the database."""
        return self.kind in ChannelKind.values and self.plain_fields == self.settings and (
            self.secret_fields == self._stored_secrets())

    def _stored_secrets(self) -> object:
        try:
            return json.loads(self.secrets) if self.secrets else {}
        except ValueError:
            return None

    def shown_fields(self) -> dict[str, str]:
        """All fields of its kind, secrets as MASK."""
        return {**self.plain_fields, **dict.fromkeys(self.secret_fields, MASK)}

    def set_fields(self, settings: dict[str, str], secrets: dict[str, str]) -> None:
        """Does not save."""
        self.settings, self.secrets = settings, json.dumps(secrets) if secrets else ""


def _texts(value: object) -> dict[str, str]:
    """What of it is text."""
    return {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


class NotificationRule(models.Model):
    """Which alarms are told through which channels. A filter that is empty matches every alarm. ``conditions``,
    ``applications``, ``hosts`` and ``pairs`` are names, not keys: an alarm outlives what it names; a pair is named by
    its primary. ``quiet_hours`` "22:00-06:00" in ``time_zone``, "" for none: what is due then waits for their end."""

    name = models.CharField("Name", max_length=255, unique=True)
    channels = models.ManyToManyField(Channel, related_name="rules")
    categories = models.JSONField("Categories", default=list)
    conditions = models.JSONField("Alarm Conditions", default=list)
    applications = models.JSONField("Applications", default=list)
    hosts = models.JSONField("Hosts", default=list)
    pairs = models.JSONField("Pairs", default=list)
    quiet_hours = models.CharField("Quiet Hours", max_length=11, blank=True)
    time_zone = models.CharField("Time Zone", max_length=64, blank=True)
    wait_s = models.PositiveIntegerField("Wait", default=0)
    repeat_h = models.PositiveIntegerField("Repeat Every", default=0)
    recovery = models.BooleanField("Recovery Message", default=True)
    group_s = models.PositiveIntegerField("Gather For", default=60)
    limit_per_hour = models.PositiveIntegerField("Limit", default=20, validators=[
        MinValueValidator(1), MaxValueValidator(1000)])
    enabled = models.BooleanField("Enabled", default=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        ordering = [SortKey("name"), "name"]

    def __str__(self):
        return self.name


class Notice(models.Model):
    """What a rule has still to tell of an alarm, or told: one row for each of the two. ``due_at`` is when it is told
    next, None where nothing is known to be; ``told_at`` when it was told last. ``over``: nothing more is told of it. It
    is deleted with its alarm."""

    rule = models.ForeignKey(NotificationRule, on_delete=models.CASCADE, related_name="notices")
    alarm = models.ForeignKey("Alarm", on_delete=models.CASCADE, related_name="notices")
    due_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    told = models.CharField(max_length=8, choices=Told, blank=True)
    over = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="one_notice_a_rule_and_alarm", fields=["rule", "alarm"])]
        indexes = [models.Index(name="notice_to_come", fields=["due_at"], condition=models.Q(over=False))]

    def __str__(self):
        return f"{self.rule_id}: {self.alarm_id}"


class Delivery(models.Model):
    """One message to one channel: a row of the outbox. ``message_id`` is the same at every attempt, so that who gets it
    twice knows. It says all of it in words and outlives the channel, the rule and the alarms.

    ``payload`` is what a webhook gets, ``alarms`` the numbers of the alarms that it tells of. ``rule_name``: the rule
    that wanted it; ``condition_name``: the Alarm Condition whose reaction it is. ``due_at``: when it is tried next,
    None where it is not. ``critical``: it tells of critical alarms only, which have a Limit of their own."""

    message_id = models.CharField(max_length=64, unique=True)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.SET_NULL, related_name="deliveries")
    channel_name = models.CharField(max_length=255)
    rule_name = models.CharField(max_length=255, blank=True)
    condition_name = models.CharField(max_length=255, blank=True)
    told = models.CharField(max_length=8, choices=Told)
    critical = models.BooleanField(default=False)
    subject = models.CharField(max_length=500)
    text = models.TextField(blank=True)
    payload = models.JSONField(default=dict)
    alarms = models.JSONField(default=list)
    state = models.CharField(max_length=8, choices=DeliveryState, default=DeliveryState.WAITING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "due_at"]), models.Index(fields=["channel", "id"]),
                   models.Index(name="delivery_of_critical", fields=["channel", "id"],
                                condition=models.Q(critical=True))]

    def __str__(self):
        return self.subject

    @property
    def wanted_by(self) -> str:
        """The rule, or the condition whose reaction it is; "" for a test."""
        return self.rule_name or (f"Alarm Condition {self.condition_name}" if self.condition_name else "")


class DeliveredAlarm(models.Model):
    """That ``delivery`` tells of the alarm with this number, which may be removed by now: what ``Delivery.alarms``
    lists, to be found by the alarm."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="of_alarms")
    number = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="one_mention_a_delivery", fields=["number", "delivery"])]

    def __str__(self):
        return f"{self.delivery_id} of {self.number}"


class DeliveryAttempt(models.Model):
    """A try to deliver: ``status`` of HTTP where there was one, ``answer`` its beginning or the error in words."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    succeeded = models.BooleanField()
    status = models.PositiveIntegerField(null=True)
    answer = models.CharField(max_length=ANSWER_CHARACTERS, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return f"{self.delivery_id} at {self.at}"


class NotificationMark(models.Model):
    """How far alarms were looked at by the rules: one row. Those with a greater ``alarm_id`` were not yet."""

    alarm_id = models.BigIntegerField(default=0)

    def __str__(self):
        return str(self.alarm_id)
