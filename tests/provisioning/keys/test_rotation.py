"""The key is rotated: values, second factors, and the chain of history, which goes on."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import User
from django.db import connection

from console.up.keys import require_the_key
from provisioning import chain, keys
from provisioning.errors import NotAllowed
from provisioning.history import history
from provisioning.history.verify import ends_with_a_former_key, verify
from provisioning.models import Application, HistoryEntry, HistoryHead, HistoryKey, Host, Option, guard
from provisioning.monitoring.selectors import encryption
from provisioning.monitoring.services import keys as services
from tests import factories

from .stored import stored

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


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
