"""Sign in, lockout, sign out, change the password, choose how the console looks."""

import pytest
from django.contrib.auth.models import User

from provisioning.accounts.rules.sign_in import HERE, LIMITS

pytestmark = pytest.mark.django_db
PASSWORD = "a long password of a test"


@pytest.fixture
def ada():
    return User.objects.create_superuser("ada", password=PASSWORD)


def sign_in(client, password=PASSWORD, **more):
    return client.post("/login/", {"username": "ada", "password": password, **more})


def test_the_right_password_goes_to_the_applications(client, ada):
    assert client.get("/", follow=True).redirect_chain[-1][0].startswith("/login/")
    assert "the page you asked for" not in client.get("/", follow=True).text
    assert "Sign in to go on to the page you asked for." in client.get("/audit/", follow=True).text
    assert client.get(sign_in(client)["Location"])["Location"] == "/provisioning/environment/applications/"


def test_sign_in_goes_on_to_the_page_that_was_asked_for(client, ada):
    assert sign_in(client, next="/operations/jobs/")["Location"] == "/operations/jobs/"


def test_sign_in_never_goes_to_another_site(client, ada):
    assert sign_in(client, next="https://example.net/")["Location"] == "/"


def test_a_wrong_password_is_answered_with_a_sentence(client, ada):
    text = sign_in(client, "wrong").content.decode()
    assert "The user name or the password is wrong." in text
    assert 'role="alert"' in text


def test_too_many_wrong_passwords_lock_even_the_right_one_out(client, ada):
    for _ in range(LIMITS[HERE] - 1):
        assert sign_in(client, "wrong").status_code == 200
    locked = sign_in(client, "wrong")
    assert locked.status_code == 429
    assert "Sign-in is locked" in locked.content.decode()
    assert sign_in(client).status_code == 429


def test_sign_out_is_a_post(client, ada):
    client.force_login(ada)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/provisioning/environment/applications/").status_code == 302


def test_the_password_is_changed(client, ada):
    client.force_login(ada)
    new = "another long password"
    answer = client.post("/account/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert answer.status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(new)


@pytest.mark.parametrize(("old", "new", "again"), [
    ("wrong", "another long password", "another long password"), (PASSWORD, "short", "short"),
    (PASSWORD, "another long password", "not the same one"),
])
def test_a_bad_change_of_password_says_why_and_changes_nothing(client, ada, old, new, again):
    client.force_login(ada)
    answer = client.post("/account/password/", {"old_password": old, "new_password1": new, "new_password2": again})
    assert 'class="error"' in answer.content.decode()
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize(("name", "value"), [("theme", "dark"), ("size", "comfortable"), ("tree", "closed")])
def test_display_choices_are_kept_and_drawn_by_the_server(client, ada, name, value):
    client.force_login(ada)
    answer = client.post("/account/display/", {name: value, "next": "/operations/jobs/"})
    assert answer["Location"] == "/operations/jobs/"
    assert f'data-{name}="{value}"' in client.get("/account/password/").content.decode()


def test_a_script_that_keeps_a_choice_gets_no_page(client, ada):
    client.force_login(ada)
    assert client.post("/account/display/", {"theme": "dark"}, headers={"X-Requested-With": "fetch"}).status_code == 204


@pytest.mark.parametrize(("posted", "elsewhere"), [({"theme": "pink"}, "/"), ({"next": "//example.net/"}, "/")])
def test_a_choice_that_does_not_exist_and_an_address_elsewhere_are_ignored(client, posted, elsewhere):
    answer = client.post("/account/display/", posted)
    assert answer["Location"] == elsewhere
    assert "pairwise_theme" not in answer.cookies
