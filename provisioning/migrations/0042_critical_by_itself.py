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
    ]
