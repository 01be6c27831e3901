"""There is no application type Database Access Point any more: log records go to the console's log database.

Nothing of such an application was ever installed, started or connected to, and no Host was asked of it: exactly what
holds of a Generic Client, which its applications, templates, packages and Alarm Conditions become. Names, options, ports
and connections stay as they are, and the description of each application says what it was. History is not written: an
entry says what somebody did, and the former ones go on naming the former type (``states.FORMER_TYPES`` reads it).
"""

from django.db import migrations, models

FORMER, NOW = "DAP", "GenericClient"
SAID = "Was a Database Access Point."
DESCRIPTION_MAX = 1024
CHOICES = [("MessageServer", "Message Server"), ("SCS", "Solution Control Server"),
           ("GenericServer", "Generic Server"), ("GenericClient", "Generic Client")]


def keep_as_generic_clients(apps, schema_editor):
    alias = schema_editor.connection.alias

    def rows(name, **found):
        return apps.get_model("provisioning", name).objects.using(alias).filter(**found)

    applications = rows("Application", type=FORMER)
    for key, description in list(applications.values_list("pk", "description")):
        said = f"{description} {SAID}".strip()
        rows("Application", pk=key).update(
            type=NOW, description=said if len(said) <= DESCRIPTION_MAX else description,
            # Whoever has the editor open is told that the object was saved since.
            revision=models.F("revision") + 1)
    for name in ("ApplicationTemplate", "InstallationPackage"):
        rows(name, type=FORMER).update(type=NOW)
    rows("AlarmCondition", application_type=FORMER).update(application_type=NOW)


def type_field(**options):
    return models.CharField(choices=CHOICES, max_length=32, **options)


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0034_event_names"),
    ]

    operations = [
        migrations.RunPython(keep_as_generic_clients, migrations.RunPython.noop),
        migrations.AlterField("application", "type", type_field()),
        migrations.AlterField("applicationtemplate", "type", type_field()),
        migrations.AlterField("installationpackage", "type", type_field()),
        migrations.AlterField("alarmcondition", "application_type",
                              type_field(blank=True, verbose_name="Application Type")),
    ]
