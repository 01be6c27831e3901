from django.conf import settings
from django.db import migrations, models

from provisioning import chain
from provisioning.models import guard

AT_ONCE = 500


def chain_entries(apps, schema_editor):
    """Gives the entries that are there their numbers and digests, in the order in which they were added."""
    entries = apps.get_model("provisioning", "HistoryEntry").objects.using(schema_editor.connection.alias)
    heads = apps.get_model("provisioning", "HistoryHead").objects.using(schema_editor.connection.alias)
    key, number, last, after = chain.key_of(settings.SECRET_KEY), 0, chain.BEGINNING, 0
    while rows := list(entries.filter(pk__gt=after).order_by("pk")[:AT_ONCE]):
        for row in rows:
            number += 1
            row.number, row.previous = number, last
            row.digest = last = chain.digest(key, {name: getattr(row, name) for name in chain.FIELDS})
        entries.bulk_update(rows, ["number", "previous", "digest"], batch_size=100)
        after = rows[-1].pk
    heads.create(pk=1, count=number, digest=last, seal=chain.seal(key, number, last))


def forget_users_who_left(apps, schema_editor):
    """On the way back: a foreign key can only name users who are still there."""
    alias = schema_editor.connection.alias
    users = apps.get_model(settings.AUTH_USER_MODEL).objects.using(alias)
    entries = apps.get_model("provisioning", "HistoryEntry").objects.using(alias)
    entries.exclude(user_id__in=users.values("pk")).update(user_id=None)


def install_guard(apps, schema_editor):
    guard.install(schema_editor.connection)


def remove_guard(apps, schema_editor):
    guard.remove(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [
        ("provisioning", "0014_restart"),
    ]

    operations = [
        # From a foreign key, which would have to be cleared when a user goes, to a plain value that stays.
        migrations.AlterField("historyentry", "user", models.BigIntegerField(db_column="user_id", null=True)),
        migrations.RenameField("historyentry", "user", "user_id"),
        migrations.AlterField("historyentry", "user_id", models.BigIntegerField(null=True)),
        migrations.AlterField("historyentry", "at", models.DateTimeField(db_index=True)),
        migrations.AddField("historyentry", "number", models.PositiveBigIntegerField(null=True)),
        migrations.AddField("historyentry", "previous", models.CharField(default="", max_length=64),
                            preserve_default=False),
        migrations.AddField("historyentry", "digest", models.CharField(default="", max_length=64),
                            preserve_default=False),
        migrations.CreateModel(
            name="HistoryHead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("count", models.PositiveBigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("seal", models.CharField(max_length=64)),
            ],
        ),
        migrations.RunPython(chain_entries, forget_users_who_left),
        migrations.AlterField("historyentry", "number", models.PositiveBigIntegerField(unique=True)),
        migrations.AlterModelOptions("historyentry", {"ordering": ["-number"]}),
        migrations.RunPython(install_guard, remove_guard),
    ]
