"""What the console's key protects, and how the key is rotated: values, the chain of history, tokens, accounts."""

import ast
import base64
import re
import secrets
from importlib import import_module
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
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
from provisioning import chain, keys
from provisioning.core.control_client import control_secrets
from provisioning.errors import NotAllowed, WrongKey
from provisioning.history import history
from provisioning.history.verify import ends_with_a_former_key, verify
from provisioning.hosts.selectors import joining as joining_page
from provisioning.hosts.selectors.joining import KEY_CHANGED, joining
from provisioning.hosts.services import enrolment
from provisioning.models import Application, Console, HistoryEntry, HistoryHead, HistoryKey, Host, Option, guard
from provisioning.models.encryption import as_stored, encrypted_fields
from provisioning.monitoring.selectors import encryption
from provisioning.monitoring.services import keys as services
from tests import commands, factories
from tests.sources import sources

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


@pytest.fixture
def some():
    """A host, an application with a secret option, and entries of history."""
    host = factories.make_host("edge1")
    row = factories.make_application("MS_A", host=host, options={"clients": {"ada": "s3cret-passcode"}})
    for number in range(3):
        history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason=f"Did {number}.")
    return SimpleNamespace(host=host, application=row, secrets=(host.secret, row.secret))


@pytest.fixture
def change(settings):
    """The key becomes another one, with the former ones as fallbacks unless ``keep`` is False; the former key."""
    def change(*, keep=True):
        former = settings.SECRET_KEY
        settings.SECRET_KEY_FALLBACKS = [former, *settings.SECRET_KEY_FALLBACKS] if keep else []
        settings.SECRET_KEY = secrets.token_urlsafe(48)
        return former
    return change


def stored(model, name="secret"):
    rows = model.objects.exclude(**{f"{name}__isnull": True}).order_by("pk")
    return list(rows.values_list(as_stored(name), flat=True))


def put(model, name, text):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {name} = %s WHERE {name} IS NOT NULL", [text])


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


# --- rotation


@pytest.fixture
def rotate(transactional_db):
    """Runs the command: (exit code, what it printed)."""
    def rotate():
        code, out, err = commands.run("rotate_key")
        return code, out + err

    return rotate


def test_after_a_rotation_the_former_key_is_not_needed(some, rotate, change, settings):
    former = change()
    code, text = rotate()
    assert (code, "3 of 3 values are encrypted" in text, "can be dropped" in text) == (0, True, True)
    assert keys.mark_of(former) in text
    settings.SECRET_KEY_FALLBACKS = []
    require_the_key()
    assert (Host.objects.get().secret, Application.objects.get().secret) == some.secrets
    assert Option.objects.get(section="clients").plain == "s3cret-passcode"
    assert verify().is_whole
    assert set(encryption.marks()) == {keys.mark_of(settings.SECRET_KEY)}


def test_second_factors_are_good_after_a_rotation_without_the_former_key(rotate, change, settings):
    user = User.objects.create_user("ada")
    data = {"secret": keys.keys().encrypt("JBSWY3DP"), "step": 7}
    app = Authenticator.objects.create(user=user, type="totp", data=data)
    codes = RecoveryCodes.activate(user)
    before, former = codes.generate_codes(), keys.mark_of(change())
    assert encryption.marks()[former] == 2
    rotate()
    settings.SECRET_KEY_FALLBACKS = []
    app.refresh_from_db()
    assert (keys.keys().decrypt(app.data["secret"]), app.data["step"]) == ("JBSWY3DP", 7)
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).generate_codes() == before
    assert encryption.marks()[former] == 0


def test_a_rotation_touches_nothing_else(some, rotate, change):
    before = [{**row, "secret": None} for row in Application.objects.values()]
    change()
    rotate()
    assert [{**row, "secret": None} for row in Application.objects.values()] == before


def test_history_tells_of_a_rotation(some, rotate, change):
    change()
    rotate()
    entry = HistoryEntry.objects.first()
    assert (entry.object_type, entry.origin.startswith("manage.py rotate_key")) == ("console", True)
    assert entry.reason.startswith("Rotates the secret key from mark ")


def test_without_a_former_key_there_is_nothing_to_rotate(some, rotate):
    assert rotate()[1].endswith("no other one is given.\n")
    assert HistoryEntry.objects.count() == 3


def test_a_second_rotation_does_nothing(some, rotate, change):
    change()
    rotate()
    entries, texts = HistoryEntry.objects.count(), stored(Host)
    assert "can be dropped" in rotate()[1]
    assert (HistoryEntry.objects.count(), stored(Host)) == (entries, texts)


def test_a_rotation_with_an_unknown_key_is_refused_and_changes_nothing(some, rotate, change):
    change(keep=False)
    texts = stored(Host)
    code, text = rotate()
    assert (code, text.startswith("Nothing was changed. 3 encrypted values")) == (2, True)
    assert stored(Host) == texts


def test_a_rotation_that_breaks_off_says_how_far_it_came_and_goes_on(transactional_db, change, monkeypatch):
    for number in range(25):
        factories.make_host(f"edge{number}")
    change()
    whole = services._encrypt_again

    def breaks(model, name, rows, **rest):
        if len(rows) > 10:
            raise OSError("the disk is gone")
        whole(model, name, rows, **rest)

    monkeypatch.setattr(services, "_encrypt_again", breaks)
    with pytest.raises(OSError, match="disk") as broken:
        services.rotate_key(actor=factories.ADMINISTRATOR)
    assert broken.value.__notes__ == [
        "10 of 25 values are encrypted with the present key. Run rotate_key again for the rest; keep the former key "
        "until then."]
    assert len(set(map(keys.mark_in, stored(Host)))) == 2
    monkeypatch.setattr(services, "_encrypt_again", whole)
    assert services.rotate_key(actor=factories.ADMINISTRATOR).values == 15
    assert set(map(keys.mark_in, stored(Host))) == {keys.keys().marks[0]}


def test_a_rotation_writes_in_turns_and_says_so(transactional_db, change):
    for number in range(25):
        factories.make_host(f"edge{number}")
    change()
    said = []
    services.rotate_key(actor=factories.ADMINISTRATOR, say=said.append)
    assert said[0].startswith("10 of 25 values")
    assert said[-1].startswith("25 of 25 values")


def test_a_role_that_may_not_cannot_rotate(some):
    with pytest.raises(NotAllowed):
        services.rotate_key(actor=factories.OPERATOR)


# --- the chain of history through rotations


def test_the_chain_goes_on_with_the_new_key_before_anything_is_rotated(some, change):
    change()
    assert (verify().is_whole, ends_with_a_former_key()) == (True, True)
    history.record_verb(actor=factories.ADMINISTRATOR, row=some.host, reason="With the new key.")
    assert (verify().is_whole, ends_with_a_former_key(), HistoryKey.objects.count()) == (True, False, 1)


def test_two_rotations_leave_two_sections(some, rotate, change, settings):
    for _ in range(2):
        change()
        rotate()
        settings.SECRET_KEY_FALLBACKS = []
    assert verify().is_whole
    assert [section.last for section in HistoryKey.sections()] == [3, 4]


def test_machines_that_do_not_change_at_the_same_moment_make_one_chain(some, change, settings):
    """Each knows both keys; one has the new one as its own already."""
    old = change()
    new = settings.SECRET_KEY
    for number in range(4):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = (new, [old]) if number % 2 else (old, [new])
        history.record_verb(actor=factories.ADMINISTRATOR, row=some.host, reason=f"Turn {number}.")
    assert verify().is_whole


def forge(key):
    """Entry 2 says something else, and every digest up to the last of the former key is made anew with it."""
    guard.remove(connection)
    previous = HistoryEntry.objects.get(number=1).digest
    for entry in HistoryEntry.objects.filter(number__in=(2, 3)).order_by("number"):
        entry.reason, entry.previous = f"Forged {entry.number}.", previous
        entry.digest = previous = chain.digest(key, vars(entry))
        with connection.cursor() as cursor:
            cursor.execute("UPDATE provisioning_historyentry SET reason = %s, previous = %s, digest = %s "
                           "WHERE number = %s", [entry.reason, entry.previous, entry.digest, entry.number])
    guard.install(connection)


def test_whoever_has_the_former_key_and_the_database_cannot_write_history_anew(some, rotate, change):
    """Without the section's own digest nothing would tell, as the entry after it could be taken away as well."""
    former = chain.key_of(change())
    rotate()
    forge(former)
    assert (verify().entry, verify().is_whole) == (3, False)


def test_a_former_key_that_was_taken_away_is_noticed(some, rotate, change, settings):
    change()
    rotate()
    settings.SECRET_KEY_FALLBACKS = []
    HistoryKey.objects.all().delete()
    assert verify().entry == 1


def test_a_head_that_nobody_sealed_is_no_beginning_of_another_key(some, change):
    change()
    HistoryHead.objects.update(seal="0" * 64)
    history.record_verb(actor=factories.ADMINISTRATOR, row=some.host, reason="Goes on.")
    assert HistoryKey.objects.count() == 0
    assert not verify().is_whole


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
    }
    for word in ("models.enrolments", "control_client", "audit.configured", "accounts.selectors.sign_ins",
                 "accounts.services.passkeys", "accounts.services.tokens", "web.kept", "web.privacy", "chain.key_of"):
        assert f"``{word}" in keys.__doc__ or word in keys.__doc__
