"""What the console's key protects, what a start with another one says, and what else comes from it."""

import ast
import base64
import re
import secrets
from importlib import import_module
from types import SimpleNamespace

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from django.apps import apps
from django.contrib.auth.models import User
from django.core.exceptions import FieldError
from django.db import connection
from django.urls import reverse

from console import checks
from console.up.errors import CannotStart
from console.up.keys import require_the_key
from control import generations
from provisioning import keys
from provisioning.core.control_client import control_secrets
from provisioning.errors import WrongKey
from provisioning.hosts.selectors import joining as joining_page
from provisioning.hosts.selectors.joining import KEY_CHANGED, joining
from provisioning.hosts.services import enrolment
from provisioning.models import Application, Console, Host, Option
from provisioning.models.encryption import encrypted_fields
from provisioning.monitoring.selectors import encryption
from tests import factories
from tests.sources import sources

from .stored import put, stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]

# --- values


def test_the_database_has_no_value_in_the_plain(some):
    texts = [text for model, name in encrypted_fields() for text in stored(model, name)]
    assert len(texts) >= 3
    assert not [text for text in texts for secret in (*some.secrets, "s3cret-passcode") if secret in text]
    assert (Host.objects.get().secret, Application.objects.get().secret) == some.secrets
    assert Option.objects.get(section="clients").plain == "s3cret-passcode"


def test_equal_values_do_not_look_alike(some):
    before = stored(Host)
    Host.objects.get().save()
    assert stored(Host) != before


def test_an_empty_value_is_none(some):
    option = Option.objects.get(section="clients")
    option.set_value("")
    option.save()
    assert Option.objects.filter(section="clients", secret_value__isnull=True).get().plain == ""


@pytest.mark.parametrize("text", ["plain text", "", "gAAAAABnot-a-token", "12345678:gAAAAAB"])
def test_what_cannot_be_decrypted_is_an_error_and_never_a_value(some, text):
    put(Host, "secret", text)
    with pytest.raises(WrongKey, match="another PAIRWISE_SECRET_KEY"):
        Host.objects.get()


def test_a_value_that_was_changed_is_told_from_another_key(some):
    [text] = stored(Host)
    put(Host, "secret", text[:-8] + "AAAAAAA=")
    with pytest.raises(WrongKey, match="damaged"):
        Host.objects.values_list("secret", flat=True)[0]


def test_another_key_opens_nothing(some, change):
    change(keep=False)
    for read in (Host.objects.get, Application.objects.get, lambda: list(Option.objects.values("secret_value"))):
        with pytest.raises(WrongKey, match="mark "):
            read()


@pytest.mark.parametrize("lookup", ["exact", "startswith", "in"])
def test_nothing_is_found_by_an_encrypted_value(some, lookup):
    with pytest.raises(FieldError, match="encrypted"):
        Host.objects.filter(**{f"secret__{lookup}": [some.host.secret]})


def test_purposes_have_keys_of_their_own():
    made = {keys.derive("x" * 40, purpose) for purpose in ("encryption", "mark", "fingerprint")}
    assert len(made | {keys.derive("y" * 40, "mark")}) == 4


# --- from the former mechanism


def formerly(secret: str, text: str) -> str:
    """As django-fernet-encrypted-fields wrote it, with the key as its own salt."""
    key = PBKDF2HMAC(SHA256(), 32, salt=secret.encode(), iterations=100_000).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key)).encrypt(text.encode()).decode()


def migrate():
    import_module("provisioning.migrations.0026_keys").encrypt_anew(apps, SimpleNamespace(connection=connection))


def test_what_the_former_mechanism_encrypted_is_read_after_the_migration(some, settings):
    put(Host, "secret", formerly(settings.SECRET_KEY, "of the host"))
    put(Application, "secret", formerly(settings.SECRET_KEY, "of the application"))
    put(Option, "secret_value", formerly(settings.SECRET_KEY, "passcode ä"))
    migrate()
    assert (Host.objects.get().secret, Application.objects.get().secret) == ("of the host", "of the application")
    assert Option.objects.get(section="clients").plain == "passcode ä"
    texts = stored(Host)
    migrate()
    assert stored(Host) == texts


def test_the_migration_takes_a_key_that_is_rotated_at_the_same_time(some, change):
    former = change()
    put(Host, "secret", formerly(former, "of the host"))
    migrate()
    assert Host.objects.get().secret == "of the host"


def test_the_migration_refuses_another_key_and_changes_nothing(some, change):
    former = change(keep=False)
    text = formerly(former, "of the host")
    put(Host, "secret", text)
    with pytest.raises(WrongKey, match="Nothing was changed"):
        migrate()
    assert stored(Host) == [text]


# --- a start with a wrong key


def test_a_start_with_the_right_key(some, change):
    require_the_key()
    change()
    require_the_key()
    assert checks.key_of_the_database() == []


@pytest.mark.parametrize(("given", "advice"), [(True, "Give that one again"), (False, "secret_key back, or set")])
def test_a_start_with_another_key_says_what_to_do(some, change, settings, given, advice):
    mark = keys.mark_of(change(keep=False))
    settings.SECRET_KEY_IS_GIVEN = given
    with pytest.raises(CannotStart, match=f"another PAIRWISE_SECRET_KEY .*mark {mark}.*{advice}"):
        require_the_key()
    [found] = checks.key_of_the_database()
    assert (found.id, mark in found.msg, advice in found.hint) == ("pairwise.E015", True, True)


def test_a_single_value_that_needs_another_key_is_enough(some, settings):
    other = keys.Keys(("z" * 40,))
    put(Option, "secret_value", other.encrypt("passcode"))
    assert encryption.marks() == {keys.mark_of(settings.SECRET_KEY): 2, other.marks[0]: 1}
    with pytest.raises(CannotStart, match="1 encrypted value in the Configuration Database needs another"):
        require_the_key()


def test_keys_that_were_cut_off_are_refused(settings):
    settings.SECRET_KEY_FALLBACKS = ["x" * 40, "too short"]
    assert [each.id for each in checks.secret_key()] == ["pairwise.E016"]


# --- what else comes from the key


def test_console_and_control_take_both_keys_while_one_follows_the_other(change, settings):
    before = control_secrets()
    change()
    assert control_secrets()[1:] == before
    assert control_secrets()[0] not in before


def test_tokens_of_generations_count_until_the_former_key_is_dropped(change, settings):
    seen = generations.Seen(3, "abc", 17)
    token = generations.token(seen)
    change()
    assert generations.read_token(token) == seen
    assert generations.read_token(generations.token(seen)) == seen
    settings.SECRET_KEY_FALLBACKS = []
    assert generations.read_token(token) is None


def test_a_line_to_join_stays_good_and_is_not_shown_wrongly(change, rotate, settings, monkeypatch):
    monkeypatch.setattr(joining_page, "command_from", lambda asked_host: "python3")
    host = factories.make_host("edge1", status=None)
    row = enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=host.pk)
    token = row.token
    change()
    assert row.token == token
    rotate()
    settings.SECRET_KEY_FALLBACKS = []
    assert row.token == ""
    assert enrolment.admit(token=token, origin="192.0.2.1") == row
    shown = joining(host, asked_host="pairwise.example.com", with_line=True)
    assert (shown.line, shown.problems) == ("", (KEY_CHANGED,))


def test_accounts_at_the_broker_keep_their_names(change):
    before = Console.this().broker_prefix
    change(keep=False)
    assert Console.this().broker_prefix == before
    assert re.fullmatch(r"pairwise-[0-9a-f]{8}-host-", before)


def test_who_is_signed_in_stays_so(client, change, settings):
    client.force_login(User.objects.create_user("ada"))
    change()
    assert client.get(reverse("account")).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    settings.SECRET_KEY = secrets.token_urlsafe(48)
    assert client.get(reverse("account")).status_code == 302


OF_THE_KEY = {"SECRET_KEY", "SECRET_KEY_FALLBACKS", "all_keys", "derive", "salted_hmac", "Signer", "TimestampSigner",
              "signing"}


def names_in(text):
    """What a module says of the key: attributes and names, and texts of the labels of Django's own signatures."""
    tree = ast.parse(text)
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return found & OF_THE_KEY


def test_everything_that_comes_from_the_key_is_known():
    """Whoever makes something else from it has to think of rotations, and to write it into the table of keys.py."""
    found = sources("console", "control", "provisioning", saying="|".join(OF_THE_KEY))
    users = {path.removesuffix(".py").replace("/", ".") for path, text in found.items()
             if "/migrations/" not in path and names_in(text)}
    assert users == {
        "console.settings", "console.checks", "provisioning.keys",  # given, looked at
        "provisioning.models.enrolments", "provisioning.core.control_client", "provisioning.audit.configured",
        "provisioning.accounts.selectors.sign_ins", "provisioning.accounts.services.passkeys",
        "provisioning.accounts.services.tokens",
        "provisioning.web.kept", "provisioning.web.privacy",
        "provisioning.history.history", "provisioning.history.verify",  # the chain
        "provisioning.broker.secrets",  # is kept out of bundles and files
        "console.echo", "console.front",  # proofs of check --deploy
        "console.backup.contents",  # goes into a backup itself
        "console.backup.sealed",  # a key of its own
    }
    for word in ("models.enrolments", "control_client", "audit.configured", "accounts.selectors.sign_ins",
                 "accounts.services.passkeys", "accounts.services.tokens", "web.kept", "web.privacy", "chain.key_of"):
        assert f"``{word}" in keys.__doc__ or word in keys.__doc__
