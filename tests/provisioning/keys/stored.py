"""Encrypted values as the database has them."""

from django.db import connection

from provisioning.models.encryption import as_stored


def stored(model, name="secret"):
    rows = model.objects.exclude(**{f"{name}__isnull": True}).order_by("pk")
    return list(rows.values_list(as_stored(name), flat=True))


def put(model, name, text):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {name} = %s WHERE {name} IS NOT NULL", [text])
