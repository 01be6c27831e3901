"""What the audit found (docs/audit.md): runs, a pair's result while it stayed the same, findings, waivers."""

from django.db import models

from provisioning.states import AuditTrigger, Severity, Verdict

from .applications import Application
from .hosts import Host


class AuditRun(models.Model):
    """One run over ``pairs`` pairs (``whole``: over all of them); ``counts`` is {verdict: pairs}, ``changed`` how many
    results were not as before."""

    at = models.DateTimeField(db_index=True)
    trigger = models.CharField(max_length=12, choices=AuditTrigger)
    asked_by = models.CharField(max_length=150, blank=True)
    whole = models.BooleanField(default=False)
    pairs = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    took_ms = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["whole", "id"])]

    def __str__(self):
        return f"{self.get_trigger_display()} {self.at:%Y-%m-%d %H:%M:%S}"


class PairAudit(models.Model):
    """A pair's result, from ``at`` until ``confirmed_at``: as long as every run found the same, it is one row.

    ``unknown`` is [{"sentence", "severity", "codes"}, ...] of the rules that could not be judged; ``digest`` says
    whether two results are the same; ``record_version`` is that of the pair's durable record when it was last judged.

    ``since``: when the verdict of what is found became what it is, in this result or an earlier one. ``told``
    {"verdict", "unknown": codes of rules}: what the timeline goes by when it says that the pair became worse or better,
    {} before that; ``settled``: it was compared with this result.
    """

    primary = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="audits")
    run = models.ForeignKey(AuditRun, on_delete=models.CASCADE, related_name="results")
    at = models.DateTimeField(db_index=True)
    confirmed_at = models.DateTimeField()
    verdict = models.CharField(max_length=8, choices=Verdict)
    errors = models.PositiveIntegerField(default=0)
    warnings = models.PositiveIntegerField(default=0)
    notes = models.PositiveIntegerField(default=0)
    waived = models.PositiveIntegerField(default=0)
    unknown = models.JSONField(default=list)
    passed = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64)
    record_version = models.PositiveBigIntegerField(default=0)
    is_latest = models.BooleanField(default=True)
    since = models.DateTimeField(null=True)
    told = models.JSONField(default=dict)
    settled = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="one_latest_audit_per_pair", fields=["primary"],
                                               condition=models.Q(is_latest=True))]
        indexes = [models.Index(fields=["is_latest", "verdict"])]

    def __str__(self):
        return f"{self.primary_id}: {self.verdict}"


class Waiver(models.Model):
    """A finding that somebody accepts until ``expires_on`` (the last day, UTC), as long as ``fact`` stays the same."""

    primary = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="waivers")
    code = models.CharField(max_length=8)
    subject = models.CharField(max_length=600)
    fact = models.CharField(max_length=64)
    sentence = models.TextField(help_text="What was found when it was waived.")
    reason = models.CharField(max_length=1024)
    expires_on = models.DateField()
    waived_by = models.CharField(max_length=150)
    waived_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(name="one_waiver_at_work", fields=["primary", "code", "subject"],
                                               condition=models.Q(ended_at=None))]

    def __str__(self):
        return f"{self.code} {self.subject}"


class Finding(models.Model):
    """What a rule found in ``audit``: its texts are the rule's, kept in the registry under ``code``.

    ``subject`` names the thing within the pair, ``fact`` is a fingerprint of what was found; ``values`` is [[label,
    text], [label, text]]; ``first_found_at`` goes back to the first result that had it without a break.
    """

    audit = models.ForeignKey(PairAudit, on_delete=models.CASCADE, related_name="findings")
    code = models.CharField(max_length=8)
    severity = models.CharField(max_length=8, choices=Severity)
    subject = models.CharField(max_length=600)
    fact = models.CharField(max_length=64)
    sentence = models.TextField()
    values = models.JSONField(default=list)
    about = models.JSONField(default=list, help_text="Keys of the applications that it concerns.")
    remedy = models.CharField(max_length=32, blank=True)
    waiver = models.ForeignKey(Waiver, null=True, on_delete=models.SET_NULL, related_name="findings")
    first_found_at = models.DateTimeField()

    class Meta:
        ordering = ["code", "subject"]
        indexes = [models.Index(fields=["code", "severity"])]

    def __str__(self):
        return f"{self.code} {self.subject}"


class FoundOnHost(models.Model):
    """What a job last found on a host about one application; ``body`` as ``found`` in ``protocol.jobs``."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="found", primary_key=True)
    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    body = models.JSONField(default=dict)

    def __str__(self):
        return f"{self.application_id} on {self.host_id}"


class AuditMark(models.Model):
    """How far changes were looked at: one row, which whoever stores results holds meanwhile. ``seen`` is {source:
    {"until": the latest time that was seen, "rows": [[key, time], ...] of the moments before}}."""

    name = models.CharField(max_length=16, primary_key=True)
    history_id = models.BigIntegerField(default=0)
    seen = models.JSONField(default=dict)

    def __str__(self):
        return f"{self.name} {self.history_id}"
