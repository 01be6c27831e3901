from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0041_figures"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="critical",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(condition=models.Q(("critical", True)), fields=["channel", "id"],
                               name="delivery_of_critical"),
        ),
        migrations.AddField(
            model_name="pairaudit",
            name="since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="pairaudit",
            name="told",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="pairaudit",
            name="settled",
            field=models.BooleanField(default=False),
        ),
    ]
