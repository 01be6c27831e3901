"""Reactions of Alarm Conditions are lists, and may tell channels.

A Cancel Timeout of 0 is none. Predefined conditions about what goes on until their Cancel Event comes get it where they
still have the hours that they were brought with, and so do the alarms that they raised and that are active: an alarm is
not over because a day has passed. History is not written: an entry says what somebody did.
"""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

DAY, MONTH = 24, 24 * 30
FORMER_HOURS = {
    "service-unavailable": DAY, "gave-up": DAY, "disputed": DAY, "nobody-serves": MONTH, "without-standby": DAY,
    "application-failure": DAY, "host-unavailable": DAY, "task-ended": DAY, "component-down": MONTH,
    "failover-paused": MONTH, "reader-behind": MONTH}
"""{mark of a predefined condition that gets no Cancel Timeout: the one that it was brought with}."""
VERBS = [("switchover", "Switch Over"), ("restart", "Restart"), ("start", "Start")]


def keep_reactions(apps, schema_editor):
    rows = _rows(apps, schema_editor, "AlarmCondition")
    for former, now in (("reaction", "reactions"), ("clearance_reaction", "clearance_reactions")):
        for verb, _ in VERBS:
            rows.filter(**{former: verb}).update(**{now: [verb]})


def end_no_more_by_time(apps, schema_editor):
    conditions, alarms = (_rows(apps, schema_editor, name) for name in ("AlarmCondition", "Alarm"))
    for mark, hours in FORMER_HOURS.items():
        for key in conditions.filter(predefined=mark, cancel_timeout=hours).values_list("pk", flat=True):
            conditions.filter(pk=key).update(cancel_timeout=0, revision=models.F("revision") + 1)
            alarms.filter(condition=key, cleared_at=None).update(ends_at=None)


def note_what_is_supervised(apps, schema_editor):
    active = _rows(apps, schema_editor, "Alarm").filter(cleared_at=None)
    names = {name: list(_rows(apps, schema_editor, name).values_list("name", flat=True))
             for name in ("Application", "Host")}
    for row in list(active.only("pk", "application", "host")):
        if row.application in names["Application"] or (not row.application and row.host in names["Host"]):
            active.filter(pk=row.pk).update(supervised=True)


def _rows(apps, schema_editor, name):
    return apps.get_model("provisioning", name).objects.using(schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0037_more_detail"),
    ]

    operations = [
        migrations.AddField("alarmcondition", "reactions", models.JSONField(
            blank=True, default=list, verbose_name="Reactions")),
        migrations.AddField("alarmcondition", "clearance_reactions", models.JSONField(
            blank=True, default=list, verbose_name="Clearance Reactions")),
        migrations.AddField("alarmcondition", "channels", models.ManyToManyField(
            blank=True, related_name="conditions", to="provisioning.channel")),
        migrations.AddField("alarmcondition", "clearance_channels", models.ManyToManyField(
            blank=True, related_name="clearance_conditions", to="provisioning.channel")),
        migrations.AlterField("alarmcondition", "cancel_timeout", models.PositiveIntegerField(
            default=24, validators=[django.core.validators.MaxValueValidator(8760)], verbose_name="Cancel Timeout")),
        migrations.AddField("alarm", "supervised", models.BooleanField(default=False)),
        migrations.AlterField("alarm", "ends_at", models.DateTimeField(null=True)),
        migrations.AlterField("alarm", "cleared_how", models.CharField(blank=True, max_length=8, choices=[
            ("event", "Cancel Event"), ("timeout", "Cancel Timeout"), ("hand", "By hand"),
            ("gone", "Deleted or renamed")])),
        migrations.AlterField("reaction", "verb", models.CharField(blank=True, choices=VERBS, max_length=12)),
        migrations.AddField("reaction", "channel", models.ForeignKey(
            null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="provisioning.channel")),
        migrations.AddField("reaction", "channel_name", models.CharField(blank=True, max_length=255)),
        migrations.AddField("reaction", "delivery", models.ForeignKey(
            null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="provisioning.delivery")),
        migrations.AddField("delivery", "condition_name", models.CharField(blank=True, max_length=255)),
        migrations.RunPython(keep_reactions, migrations.RunPython.noop),
        migrations.RunPython(end_no_more_by_time, migrations.RunPython.noop),
        migrations.RunPython(note_what_is_supervised, migrations.RunPython.noop),
        migrations.RemoveField("alarmcondition", "reaction"),
        migrations.RemoveField("alarmcondition", "clearance_reaction"),
    ]
