"""Ports with Listening Mode Auto Detect were served as their Transport Parameters said, and those of a Message Server with
Connection Protocol addp as stomp: from now on their objects say so."""

from django.db import migrations, models


def say_what_was_done(apps, schema_editor):
    ports = apps.get_model("provisioning", "ListeningPort").objects.using(schema_editor.connection.alias)
    for key, parameters in list(ports.filter(listening_mode="auto detect").values_list("pk", "transport_parameters")):
        secured = "tls=1" in parameters.split(";")
        ports.filter(pk=key).update(listening_mode="secured" if secured else "unsecured")
    ports.filter(protocol="addp", application__type="MessageServer").update(protocol="stomp")


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0027_names_in_the_order_of_people"),
    ]

    operations = [
        migrations.RunPython(say_what_was_done, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="listeningport",
            name="listening_mode",
            field=models.CharField(choices=[("unsecured", "Unsecured"), ("secured", "Secured")], default="unsecured",
                                   max_length=16, verbose_name="Listening Mode"),
        ),
    ]
