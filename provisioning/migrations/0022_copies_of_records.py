"""Control's terms and records moved into a database of their own; what stays here are copies for the pages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0021_audit_mark_seen"), ("record", "0002_take_over")]

    operations = [
        migrations.DeleteModel(name="Leadership"),
        migrations.CreateModel(
            name="CopyTerm",
            fields=[
                ("name", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("term", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.AddField("pairstate", "disputed", models.BooleanField(default=False)),
        migrations.AddField("runtimestatus", "first_seq", models.PositiveBigIntegerField(
            default=0, help_text="First record that is kept; 0 when not known.")),
        migrations.AddField("runtimestatus", "first_digest", models.CharField(
            blank=True, max_length=64, help_text="Running digest before first_seq.", default=""), preserve_default=False),
        migrations.AddField("runtimestatus", "clock_offset_s", models.FloatField(
            null=True, help_text="Seconds that the server's clock is ahead of control's.")),
    ]
