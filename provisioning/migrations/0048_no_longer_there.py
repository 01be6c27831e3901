from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0047_disk_of_servers"),
    ]

    operations = [
        migrations.AlterField("alarm", "cleared_how", models.CharField(blank=True, max_length=8, choices=[
            ("event", "Cancel Event"), ("timeout", "Cancel Timeout"), ("hand", "By hand"),
            ("gone", "No longer there")])),
    ]
