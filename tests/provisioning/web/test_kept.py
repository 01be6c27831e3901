"""A form that meets an ended session or a lost cookie comes back, filled in; nothing is done by itself."""

import re
from urllib.parse import unquote

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from provisioning.accounts.rules.sign_in import HERE, LIMITS
from provisioning.accounts.services import users
from provisioning.accounts.views.gate import MEANWHILE
from provisioning.models import Application, SignInTry
from provisioning.web import kept as view
from tests import factories
from tests.provisioning.addresses import ADDRESSES, MACHINE, OPEN
from tests.provisioning.posted import form_of, post, script
from tests.provisioning.walk import World, forgotten, no_change

from .test_busy import Form

pytestmark = pytest.mark.django_db
PASSWORD = "a long password of a test"
ORIGIN = {"Origin": "http://testserver"}
CHANGE = '<a href="/account/password/" target="_blank">'


@pytest.fixture
def ada():
    return factories.make_user("ada", roles=("Administrator",), password=PASSWORD)


def an_application(**fields):
    return factories.make_application("MS", host=factories.make_host(), ports={"default": 7001}, **fields)


def browser(user=None):
    """A client that proves its forms, with the cookie for it; signed in as ``user``."""
    client = Client(enforce_csrf_checks=True, headers=ORIGIN)
    if user:
        client.force_login(user)
    client.get("/login/")
    if user:
        client.get("/account/")
    return client


def signed_in_with(client, page, name="ada"):
    """The page after signing in with the form of ``page``."""
    sealed = re.search(r'name="kept"\s+value="([^"]*)"', page.text)[1]
    return post(client, "/login/", {"username": name, "password": PASSWORD, "next": "/", "kept": sealed})


def forms(world, *, but) -> list[tuple[str, dict]]:
    """(address, what is sent there) of every form that people post, except at the addresses named in ``but``."""
    found = [(world.addresses(name, request)[0], world.sent(request)) for name in ADDRESSES if name not in but
             for request in ADDRESSES[name] if request.method == "POST" and request.need not in (OPEN, MACHINE)]
    assert len(found) > 40
    return found


@pytest.mark.long
def test_every_posted_form_is_shown_again_after_signing_in_and_nothing_is_done_by_itself(ada, broker, no_control):
    for address, sent in forms(World(), but=view.WITHOUT_FORM):
        with forgotten():
            client = browser()
            with no_change():
                page = post(client, address, sent)
            assert (page.status_code, "nothing was saved" in page.text) == (401, True), address
            shown = Form(signed_in_with(client, page).text)
        assert shown.action == address
        assert shown.sent().items() >= {key: [value] for key, value in sent.items()}.items(), address


def test_the_editor_opens_filled_in_and_saves_when_somebody_says_so(ada):
    application = an_application(description="before")
    address, client = reverse("application-edit", args=[application.pk]), browser()
    page = post(client, address, form_of(application, description="typed for an hour"))
    page = signed_in_with(client, page)
    assert "You are signed in again" in page.text
    assert "typed for an hour" in page.text
    form = Form(page.text)
    opened = client.post(form.action, form.sent() | {"step": "look"})
    assert (opened.status_code, "typed for an hour" in opened.text) == (200, True)
    assert Application.objects.get().description == "before"
    assert client.post(form.action, form.sent() | {"after": "close"}).status_code == 302
    assert Application.objects.get().description == "typed for an hour"


def test_passwords_secrets_and_files_are_not_kept_and_asked_for_again(ada):
    application, client = an_application(), browser()
    sent = form_of(application, option_section=["messages"], option_key=["password"], option_value=["planted-1"])
    page = post(client, reverse("application-edit", args=[application.pk]), sent)
    found = view.signing.loads(re.search(r'name="kept"\s+value="([^"]*)"', page.text)[1], salt=view.SEAL)
    assert "planted" not in str(found)
    assert Form(signed_in_with(client, page).text).asks == [("option_value", "password")]

    client = browser()
    page = post(client, "/account/password/", {"old_password": "planted-2", "new_password1": "planted-3"})
    assert "planted" not in page.text
    page = signed_in_with(client, page)
    assert Form(page.text).asks == [("old_password", "password"), ("new_password1", "password")]

    client = browser()
    page = post(client, reverse("template-import"), {"file": SimpleUploadedFile("a.apd", b"planted-4")})
    page = signed_in_with(client, page)
    assert Form(page.text).asks == [("file", "file")]
    assert Form(page.text).encoding == "multipart/form-data"


def test_a_wrong_password_does_not_lose_the_form(ada):
    client = browser()
    page = post(client, reverse("host-new"), {"name": "another"})
    sealed = re.search(r'name="kept"\s+value="([^"]*)"', page.text)[1]
    page = post(client, "/login/", {"username": "ada", "password": "wrong", "kept": sealed})
    assert page.status_code == 200
    assert ("name", "another") in Form(signed_in_with(client, page).text).fields


def test_a_lock_does_not_lose_it_either(ada):
    client = browser()
    page = post(client, reverse("host-new"), {"name": "another"})
    sealed = re.search(r'name="kept"\s+value="([^"]*)"', page.text)[1]
    for _ in range(LIMITS[HERE]):
        page = post(client, "/login/", {"username": "ada", "password": "wrong", "kept": sealed})
    assert page.status_code == 429
    SignInTry.objects.all().delete()
    form = Form(page.text)
    page = client.post(form.action, form.sent())
    assert ("name", "another") in Form(signed_in_with(client, page).text).fields


@pytest.mark.parametrize("fault", ["another browser", "too old", "tampered with"])
def test_a_kept_form_is_of_its_browser_and_of_its_hour(ada, fault, monkeypatch):
    client = browser()
    page = post(client, reverse("host-new"), {"name": "another"})
    if fault == "another browser":
        client = browser()
    elif fault == "too old":
        monkeypatch.setattr(view, "KEPT_FOR_S", -1)
    else:
        page.content = page.content.replace(b'name="kept" value="', b'name="kept" value="x')
    answer = signed_in_with(client, page)
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_what_is_too_much_is_said_before_somebody_signs_in(ada, monkeypatch):
    monkeypatch.setattr(view, "KEPT_MAX", 10)
    page = post(browser(), reverse("host-new"), {"name": "another"})
    assert page.status_code == 401
    assert ("it is too much to be kept" in page.text, "name=\"kept\"" in page.text) == (True, False)


# --- a password for one sign-in


def reset(ada):
    """The password that an Administrator gives ``ada``; where she is signed in, she is no more."""
    return users.reset_password(actor=factories.ADMINISTRATOR, user_id=ada.pk)[1]


def chosen(client, old):
    """She has chosen PASSWORD, in another tab of the same browser."""
    answer = post(client, "/account/password/", {"old_password": old, "new_password1": PASSWORD,
                                                 "new_password2": PASSWORD})
    assert answer.status_code == 302


@pytest.mark.long
def test_every_posted_form_is_shown_again_to_somebody_who_has_to_choose_a_password_first(ada, broker, no_control):
    client, found = browser(), forms(World(), but=view.WITHOUT_FORM | MEANWHILE)
    post(client, "/login/", {"username": "ada", "password": reset(ada)})
    for address, sent in found:
        with forgotten(), no_change():
            page = post(client, address, sent)
        assert (page.status_code, "Nothing was changed" in page.text) == (403, True), address
        assert CHANGE in page.text
        assert Form(page.text).action == address
        assert Form(page.text).sent().items() >= {key: [value] for key, value in sent.items()}.items(), address


def test_a_form_outlives_a_password_that_was_reset_while_it_was_typed(ada):
    application, client = an_application(description="before"), browser(ada)
    password = reset(ada)
    address = reverse("application-edit", args=[application.pk])
    page = post(client, address, form_of(application, description="typed for an hour"))
    sealed = re.search(r'name="kept"\s+value="([^"]*)"', page.text)[1]
    page = post(client, "/login/", {"username": "ada", "password": password, "next": "/", "kept": sealed})
    # She does not choose another one, whatever the page says, as often as she likes.
    for _ in range(2):
        assert CHANGE in page.text
        form = Form(page.text)
        page = client.post(form.action, form.sent() | {"after": "close"})
        assert page.status_code == 403
    chosen(client, password)
    form = Form(page.text)
    assert client.post(form.action, form.sent() | {"after": "close"}).status_code == 302
    assert Application.objects.get().description == "typed for an hour"


# --- the cookie that proves a form


def test_a_form_whose_cookie_is_gone_is_sent_by_one_more_click(ada):
    application, client = an_application(), browser(ada)
    del client.cookies[settings.CSRF_COOKIE_NAME]
    address = reverse("application-edit", args=[application.pk])
    page = client.post(address, form_of(application, description="typed for an hour"))
    assert (page.status_code, "The form was not sent" in page.text) == (403, True)
    form = Form(page.text)
    assert client.post(form.action, form.sent() | {"after": "close"}).status_code == 302
    assert Application.objects.get().description == "typed for an hour"


def test_with_session_and_cookie_gone_the_form_still_comes_back(ada):
    client = Client(enforce_csrf_checks=True, headers=ORIGIN)
    form = Form(client.post(reverse("host-new"), {"name": "another"}).text)
    page = client.post(form.action, form.sent())
    assert page.status_code == 401
    assert ("name", "another") in Form(signed_in_with(client, page).text).fields


def test_a_script_gets_the_token_for_the_next_click(ada):
    client = browser(ada)
    sent = {"name": "another", "roles": "Support"}
    answer = client.post(reverse("user-new"), sent, headers=script() | ORIGIN)
    assert answer.status_code == 403
    assert "press the button once more" in unquote(answer["X-Pairwise-Sentence"])
    again = client.post(reverse("user-new"), sent, headers=script() | {"X-CSRFToken": answer["X-Pairwise-Token"]})
    assert "another was created" in again.text


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "http://testserver:81", "null", None])
def test_what_another_site_sends_is_never_put_before_somebody_for_a_click(ada, origin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    headers = {"Origin": origin} if origin else {}
    page = client.post(reverse("host-new"), {"name": "planted"}, headers=headers)
    assert (page.status_code, "The form was refused" in page.text, "planted" in page.text) == (403, True, False)
    answer = client.post(reverse("host-new"), {"name": "planted"}, headers=headers | script())
    assert (answer.status_code, "X-Pairwise-Token" in answer) == (403, False)


# --- in place


def test_a_dialog_signs_in_on_top_of_the_page(ada):
    client = browser()
    shown = client.get("/login/", headers=script())
    assert "<html" not in shown.text
    assert 'hx-post="/login/"' in shown.text
    wrong = post(client, "/login/", {"username": "ada", "password": "wrong"}, headers=script())
    assert (wrong.status_code, "The user name or the password is wrong" in wrong.text) == (200, True)
    done = post(client, "/login/", {"username": "ada", "password": PASSWORD}, headers=script())
    token = re.search(r'"token": "(\w+)", "name": "ada", "must_change": false', done["HX-Trigger"])[1]
    assert (done.status_code, "HX-Redirect" in done) == (204, False)
    again = client.post(reverse("host-new"), {"name": ""}, headers=script() | {"X-CSRFToken": token})
    assert again.status_code == 422
