from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0038_reactions")]

    operations = [
        migrations.AddField("event", "once", models.CharField(blank=True, default="", max_length=64)),
    ]
