from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0046_audit_targets"),
    ]

    operations = [
        migrations.AddField(
            model_name="runtimestatus",
            name="disk_free",
            field=models.PositiveBigIntegerField(default=0, help_text="Bytes on the disk of its messages."),
        ),
        migrations.AddField(
            model_name="runtimestatus",
            name="disk_total",
            field=models.PositiveBigIntegerField(default=0, help_text="Bytes of that disk; 0 when not known."),
        ),
    ]
