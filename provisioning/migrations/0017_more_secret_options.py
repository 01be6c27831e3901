from django.db import migrations

from provisioning.models.applications import is_secret_option


def encrypt(apps, schema_editor):
    """Options that count as secret from now on move to the encrypted column."""
    for option in apps.get_model("provisioning", "Option").objects.exclude(value=""):
        if is_secret_option(option.section, option.key):
            option.secret_value, option.value = option.value, ""
            option.save(update_fields=["secret_value", "value"])


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0016_drills")]
    operations = [migrations.RunPython(encrypt, migrations.RunPython.noop, elidable=True)]
