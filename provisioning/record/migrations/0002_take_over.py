"""What an installation had before control's record got a database of its own: its terms, the record of each pair."""

from datetime import UTC, datetime

from django.db import connections, migrations
from django.db.utils import DatabaseError

FORMER = "default"
_KEPT = ("version", "epoch", "active_id", "standby_in_sync", "active_copy", "standby_copy", "automatic_failover",
         "paused_by", "paused_reason", "paused_at", "reason", "since")


def take_over(apps, schema_editor):
    former = connections[FORMER]
    try:
        tables = former.introspection.table_names()
    except DatabaseError:
        return  # a Configuration Database that was never prepared has nothing to take over
    alias = schema_editor.connection.alias
    if "provisioning_leadership" in tables:
        columns = ("name", "term", "holder", "address", "beat", "since")
        leadership = apps.get_model("record", "Leadership").objects.using(alias)
        leadership.bulk_create([leadership.model(**row) for row in _rows(former, "provisioning_leadership", columns)])
    if "provisioning_pairstate" in tables:
        records = apps.get_model("record", "PairRecord").objects.using(alias)
        records.bulk_create([
            records.model(application_id=row.pop("primary_id"), **row)
            for row in _rows(former, "provisioning_pairstate", ("primary_id", *_KEPT))], batch_size=500)


def _rows(connection, table, columns):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table}")
        for values in cursor.fetchall():
            row = dict(zip(columns, values, strict=True))
            for name in {"standby_in_sync", "automatic_failover"} & row.keys():
                row[name] = bool(row[name])
            for name in {"since", "paused_at"} & row.keys():
                row[name] = _moment(connection, row[name])
            yield row


def _moment(connection, value):
    """SQLite gives moments back as text, in UTC."""
    if value is None or not isinstance(value, str):
        return value
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


class Migration(migrations.Migration):
    dependencies = [("record", "0001_initial")]
    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
