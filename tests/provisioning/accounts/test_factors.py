"""Second factors: set up, asked for at a sign-in, reset."""

import re
import threading
from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client

from provisioning.accounts.rules import factors as rules
from provisioning.accounts.rules.sign_in import HERE, LIMITS
from provisioning.accounts.selectors.factors import PASSKEY
from provisioning.accounts.services import factors, passkeys, users
from provisioning.accounts.services.sign_in import SignInRefused
from provisioning.errors import Refused
from provisioning.models import HistoryEntry
from tests.factories import make_user
from tests.oidc import go, oidc, oidc_process
from tests.provisioning.sign_ins import (
    HOME,
    PASSWORD,
    SCRIPT,
    by,
    by_name,
    code_of,
    dialog,
    give_app,
    is_in,
    sign_in,
    told,
)

__all__ = ["oidc", "oidc_process"]
pytestmark = pytest.mark.django_db


def test_a_password_alone_does_not_let_in_who_has_a_second_factor(otto):
    give_app(otto)
    client, answer = sign_in(next="/operations/jobs/")
    assert answer.status_code == 200
    assert "Type the code that your authenticator app shows now" in answer.text
    assert not is_in(client)
    assert told() == []
    answer = client.post("/login/second-factor/", {"code": code_of()})
    assert (answer.status_code, answer["Location"]) == (302, "/operations/jobs/")
    assert is_in(client)
    assert told()[-1][-1] == "Signed in with an authenticator app."


def test_a_code_is_good_once(otto):
    give_app(otto)
    code = code_of()
    for good in (True, False):
        client, _ = sign_in()
        assert (client.post("/login/second-factor/", {"code": code}).status_code == 302) is good


def test_a_code_may_be_typed_with_a_blank_and_with_a_clock_that_is_half_a_minute_off(otto):
    give_app(otto)
    client, _ = sign_in()
    code = code_of(steps=1)
    client.post("/login/second-factor/", {"code": f"{code[:3]} {code[3:]}"})
    assert is_in(client)


def test_a_recovery_code_stands_in_once(otto):
    codes = give_app(otto)
    assert len(codes) == 10
    client, _ = sign_in()
    client.post("/login/second-factor/", {"code": codes[3]})
    assert is_in(client)
    assert told()[-1][-1] == "Signed in with a recovery code (9 left)."
    client, _ = sign_in()
    assert "The code is wrong, or was used already." in client.post("/login/second-factor/", {"code": codes[3]}).text


def test_wrong_codes_lock_as_wrong_passwords_do_and_a_right_password_does_not_begin_anew(otto):
    give_app(otto)
    for _ in range(LIMITS[HERE]):
        client, _ = sign_in()
        answer = client.post("/login/second-factor/", {"code": "000000"})
    assert answer.status_code == 429
    assert client.post("/login/second-factor/", {"code": code_of()}).status_code == 429
    assert sign_in()[1].status_code == 429
    assert told()[0][-1] == "Was not let in: wrong code."


@pytest.mark.django_db(transaction=True)
def test_of_many_wrong_codes_at_once_no_more_than_the_limit_are_looked_at(monkeypatch):
    user, looked, ready = make_user("otto"), [], threading.Barrier(LIMITS[HERE] + 4)
    give_app(user)
    monkeypatch.setattr(factors, "require_no_lock", lambda *_: ready.wait(20))
    monkeypatch.setattr(factors, "_use_up", lambda *_: looked.append(1) or "")

    def one():
        try:
            with pytest.raises(SignInRefused):
                factors.take_code(user=user, code="000000", origin=HOME)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(ready.parties)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(looked) == LIMITS[HERE]


def test_an_answer_of_a_passkey_is_good_once_and_none_to_an_earlier_question(otto, monkeypatch):
    row = Authenticator.objects.create(user=otto, type=PASSKEY, data={"name": "key"})
    server = SimpleNamespace(authenticate_complete=lambda *_: SimpleNamespace(credential_id=b""))
    monkeypatch.setattr(passkeys, "_server", lambda host: server)
    monkeypatch.setattr(passkeys, "get_credentials", lambda user: [])
    monkeypatch.setattr(passkeys, "get_authenticator_by_credential_id", lambda *_: row)

    def shown(question):
        try:
            return passkeys.take_passkey(user=otto, answer="{}", sealed=question.sealed, origin=HOME, host="localhost",
                                         session="s")
        except SignInRefused as refused:
            return str(refused)

    earlier, question, later = (passkeys._question({"publicKey": {}}, {}, otto, "s") for _ in range(3))
    assert [shown(each) for each in (question, question, earlier, later)] == [
        "with a passkey", passkeys.NOT_TAKEN, passkeys.NOT_TAKEN, "with a passkey"]


@pytest.mark.parametrize("sent", [{}, {"code": ""}, {"answer": "{}"}, {"answer": "x", "sealed": "y"},
                                  {"answer": "[1]", "sealed": ""}, {"code": "\0"}, {"code": "१२३४५६"}])
def test_whatever_is_sent_as_a_factor_is_answered_with_the_page(otto, sent):
    give_app(otto)
    client, _ = sign_in()
    answer = client.post("/login/second-factor/", sent)
    assert (answer.status_code, is_in(client)) == (200, False)


def test_the_page_of_the_second_factor_is_for_those_alone_whose_password_was_right(otto):
    give_app(otto)
    for answer in (Client().get("/login/second-factor/"), Client().post("/login/second-factor/", {"code": code_of()})):
        assert (answer.status_code, answer["Location"]) == (302, "/")


def test_who_is_changed_between_password_and_code_is_not_let_in(otto):
    give_app(otto)
    client, _ = sign_in()
    otto.set_password("another one 2")
    otto.save()
    assert client.post("/login/second-factor/", {"code": code_of()}).status_code == 403
    assert not is_in(client)


def test_a_password_for_one_sign_in_is_used_up_only_with_the_code(ada, otto):
    give_app(otto)
    _, password = users.reset_password(actor=by(ada), user_id=otto.pk)
    client, _ = sign_in(password=password)
    client, _ = sign_in(password=password)
    client.post("/login/second-factor/", {"code": code_of()})
    assert client.get("/operations/jobs/")["Location"] == "/account/password/"


def test_who_signs_in_on_top_of_a_page_is_asked_there(otto):
    give_app(otto)
    client = Client()
    answer = client.post("/login/", {"username": "otto", "password": PASSWORD}, headers=SCRIPT)
    assert "hx-post=\"/login/second-factor/\"" in answer.text
    answer = client.post("/login/second-factor/", {"code": code_of()}, headers=SCRIPT)
    assert (answer.status_code, "signed-in" in answer["HX-Trigger"]) == (204, True)


def test_what_was_typed_before_comes_back_behind_the_second_factor(otto):
    give_app(otto)
    client = Client()
    kept = re.search(r'name="kept" value="([^"]+)"', client.post("/provisioning/environment/hosts/new/", {
        "name": "typed-for-an-hour"}).text)[1]
    page = client.post("/login/", {"username": "otto", "password": PASSWORD, "kept": kept}).text
    kept = re.search(r'name="kept" value="([^"]+)"', page)[1]
    answer = client.post("/login/second-factor/", {"code": code_of(), "kept": kept})
    assert "You are signed in again" in answer.text
    assert "typed-for-an-hour" in answer.text


def test_single_sign_on_asks_for_a_second_factor_of_ours_too(oidc):
    oidc.person()
    client = Client()
    go(client)
    user = by_name("rita")
    give_app(user)
    client = Client()
    answer = go(client, following="/operations/jobs/")
    assert answer["Location"] == "/login/second-factor/"
    answer = client.post("/login/second-factor/", {"code": code_of()})
    assert answer["Location"] == "/operations/jobs/"
    assert told()[-1][-1] == "Signed in by Example SSO and with an authenticator app."


# --- Your account


def test_an_app_is_set_up_with_a_code_and_its_secret_is_encrypted(otto):
    client, _ = sign_in()
    sealed, secret = dialog(client, "app")
    answer = client.post("/account/factors/app/", {"sealed": sealed, "code": "000000"})
    assert (answer.status_code, "The code is wrong" in answer.text, secret in answer.text) == (422, True, True)
    answer = client.post("/account/factors/app/", {"sealed": sealed, "code": code_of(secret)})
    assert "Recovery codes" in answer.text
    stored = Authenticator.objects.get(user=otto, type="totp").data["secret"]
    seed = Authenticator.objects.get(user=otto, type="recovery_codes").data["seed"]
    assert secret not in stored
    assert re.match(r"[0-9a-f]{8}:", stored)
    assert re.match(r"[0-9a-f]{8}:", seed)
    assert HistoryEntry.objects.order_by("-number")[0].reason == "Set up an authenticator app as second factor."
    assert secret not in str(list(HistoryEntry.objects.values()))


def test_the_secret_of_somebody_elses_form_is_not_taken(ada, otto):
    client, _ = sign_in()
    sealed, secret = dialog(sign_in("ada")[0], "app")
    answer = client.post("/account/factors/app/", {"sealed": sealed, "code": code_of(secret)})
    assert answer.status_code == 422
    assert not Authenticator.objects.exists()


def test_the_last_factor_takes_the_recovery_codes_with_it(otto):
    give_app(otto)
    app = Authenticator.objects.get(type="totp")
    assert factors.remove_factor(actor=by(otto), factor_id=app.pk) == "the authenticator app"
    assert not Authenticator.objects.exists()
    with pytest.raises(Refused, match="Set up an authenticator app or a passkey first"):
        factors.new_codes(actor=by(otto))


def test_the_factor_of_somebody_else_is_not_there(ada, otto):
    give_app(otto)
    client, _ = sign_in("ada")
    address = f"/account/factors/{Authenticator.objects.get(type='totp').pk}/remove/"
    assert "does not exist any more" in client.get(address).text
    assert "does not exist any more" in client.post(address, follow=True).text
    assert Authenticator.objects.filter(type="totp").exists()


def test_new_recovery_codes_end_the_former_ones(otto):
    former = give_app(otto)
    new = factors.new_codes(actor=by(otto))
    assert not set(former) & set(new)
    client, _ = sign_in()
    assert client.post("/login/second-factor/", {"code": former[0]}).status_code == 200
    client.post("/login/second-factor/", {"code": new[0]})
    assert is_in(client)


def test_passkeys_need_a_host_name_and_https(otto):
    assert rules.why_no_passkeys("pairwise.example.com", is_secure=True) == ""
    assert rules.why_no_passkeys("localhost", is_secure=False) == ""
    assert "HTTPS" in rules.why_no_passkeys("pairwise.example.com", is_secure=False)
    assert "host name" in rules.why_no_passkeys("192.0.2.1", is_secure=True)
    assert "host name" in rules.why_no_passkeys("[2001:db8::1]", is_secure=True)
    client, _ = sign_in()
    assert "Passkeys need HTTPS" in client.get("/account/factors/passkey/").text


def test_an_administrator_resets_the_factors_of_somebody_who_lost_them(ada, otto):
    give_app(otto)
    client, _ = sign_in()
    client.post("/login/second-factor/", {"code": code_of()})
    admin, _ = sign_in("ada")
    assert "an authenticator app" in admin.get(f"/provisioning/accounts/users/{otto.pk}/").text
    assert admin.post(f"/provisioning/accounts/users/{otto.pk}/factors/").status_code == 302
    assert not is_in(client)
    assert sign_in()[1].status_code == 302
    reasons = list(HistoryEntry.objects.filter(object_name="otto").values_list("reason", flat=True))
    assert "Reset the second factors: none is left." in reasons
    assert "A session was ended: the second factors were reset." in reasons
