"""Which options are secrets, and that those of an older version become so."""

from importlib import import_module

import pytest
from django.apps import apps

from provisioning.models.applications import MASK, Option, is_secret_option
from tests import factories


@pytest.mark.parametrize(("section", "key"), [
    ("clients", "ada"), ("Clients", "ada"), ("db", "db-password"), ("db", "PWD"), ("tls", "key-passphrase"),
    ("tls", "privatekey"), ("x", "api-key"), ("x", "ApiKey"), ("x", "access-token"), ("x", "credentials"),
])
def test_a_secret_by_its_name(section, key):
    assert is_secret_option(section, key)


@pytest.mark.parametrize(("section", "key"), [
    ("log", "verbose"), ("messages", "retention-days"), ("tls", "certificate-key"), ("clients-max", "count"),
    ("client-rights", "token-reader"), ("Client_Rights", "secretary"),
])
def test_no_secret(section, key):
    assert not is_secret_option(section, key)


@pytest.mark.django_db
def test_an_option_that_counts_as_a_secret_from_now_on_is_encrypted():
    row = factories.make_application(options={"log": {"verbose": "all"}})
    Option.objects.create(application=row, section="x", key="api-key", value="open")
    import_module("provisioning.migrations.0017_more_secret_options").encrypt(apps, None)
    option = Option.objects.get(key="api-key")
    assert (option.value, option.plain, option.shown) == ("", "open", MASK)
    assert Option.objects.get(key="verbose").plain == "all"
