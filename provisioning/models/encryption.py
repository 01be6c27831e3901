"""A text that the database has encrypted: of use only with the console's key (``provisioning.keys``)."""

from django.apps import apps
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.functions import Cast

from provisioning.keys import keys


class EncryptedTextField(models.TextField):
    """Plain text in Python, encrypted in the database; an empty text is NULL there and None when it is read. Reading
    what none of the keys opens raises WrongKey; nothing else is ever given back for it."""

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return keys().encrypt(value) if value else None

    def from_db_value(self, value, expression, connection):
        return None if value is None else keys().decrypt(value)

    def get_lookup(self, lookup_name):
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted, each time otherwise: nothing can be found by it.")
        return super().get_lookup(lookup_name)


def encrypted_fields() -> list[tuple[type[models.Model], str]]:
    """(model, field) of everything that is encrypted."""
    return [(model, field.name) for model in apps.get_models() for field in model._meta.get_fields()
            if isinstance(field, EncryptedTextField)]


def as_stored(name: str) -> Cast:
    """The encrypted text of the field ``name``, for queries."""
    return Cast(name, models.TextField())
