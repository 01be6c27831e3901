"""What came of a sign-in: as targets of audit shipping read it, and as metrics count it."""

from types import SimpleNamespace

import pytest

from provisioning.accounts.rules.sign_in_results import result_of
from provisioning.accounts.services import sign_in
from provisioning.accounts.services.locked_tries import TRIES
from provisioning.core.permissions import Actor
from provisioning.models import HistoryEntry, SignInCount
from provisioning.states import HistoryAction, SignInResult
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
PLACE = "192.0.2.44"


@pytest.fixture(autouse=True)
def nobody_tried():
    TRIES._counted.clear()
    yield
    TRIES._counted.clear()


def try_wrong(name):
    with pytest.raises(sign_in.SignInRefused):
        sign_in.check_password(name=name, password="wrong", origin=PLACE)


def counts():
    return dict(SignInCount.objects.values_list("result", "count"))


def results():
    rows = HistoryEntry.objects.filter(action=HistoryAction.SIGN_IN).order_by("number")
    return [result_of(row.reason) for row in rows]


def test_each_end_of_a_sign_in_is_told_and_counted(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = factories.make_user("ada", password="right")
    sign_in.let_in(user=sign_in.check_password(name="ada", password="right", origin=PLACE), origin=PLACE)
    sign_in.signed_out_by(actor=Actor(name="ada", user_id=user.pk))
    for _ in range(6):
        try_wrong("ada")
    assert results() == [SignInResult.SIGNED_IN, SignInResult.SIGNED_OUT, SignInResult.REFUSED, SignInResult.LOCKED,
                         SignInResult.LOCKED]
    assert counts() == {"signed_in": 1, "signed_out": 1, "refused": 5, "locked": 1}


@pytest.mark.parametrize(("sentence", "result"), [
    ("Signed in. 3 failed from there just before.", SignInResult.SIGNED_IN),
    ("Was not let in, 12 times more.", SignInResult.REFUSED),
    ("Was not looked at while it was locked, 2 times more.", SignInResult.LOCKED),
    ("A session was ended: the password was reset.", SignInResult.ENDED),
    ("12 sessions were ended: the user was disabled.", SignInResult.ENDED),
    ("Unlocked the address 192.0.2.1 after failed sign-ins.", SignInResult.UNLOCKED),
    ("Something else.", None)])
def test_sentences_say_what_came_of_it(sentence, result):
    assert result_of(sentence) is result


def test_a_try_during_a_lock_is_counted_when_history_is_told(settings):
    factories.make_user("ada", password="right")
    lock = SimpleNamespace(until=HistoryEntry._meta.get_field("at").to_python("2026-11-30T12:00:00+00:00"))
    for _ in range(4):
        TRIES.tried(name="ada", origin=PLACE, lock=lock)
    assert counts() == {"locked": 1}
    for counted in TRIES._counted.values():
        counted.told_at -= 120
    TRIES.tell()
    assert counts() == {"locked": 4}
