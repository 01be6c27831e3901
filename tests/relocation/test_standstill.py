"""Pages while the databases are moved: read as ever, and what is sent is kept in the page."""

import pytest
from django.test import Client
from django.urls import reverse

from console import kept_databases
from console.kept_databases import CONFIGURATION, MOVED, MOVING, Kept

pytestmark = pytest.mark.django_db
KEPT = Kept(state=MOVED, number="1", addresses={CONFIGURATION: "postgres://db/x"}, at="Monday")


@pytest.fixture
def data_dir(tmp_path, settings):
    settings.PAIRWISE_DATA_DIR = tmp_path
    return tmp_path


@pytest.mark.parametrize("kept", [KEPT.by_us(MOVING), KEPT], ids=["while", "the moment after"])
def test_what_somebody_sends_is_kept_until_that_has_ended(client, data_dir, kept):
    address = reverse("login")
    # The middleware is made with the first request.
    assert client.get(address).status_code == 200
    kept_databases.write(data_dir, kept)
    answer = client.post(address, {"username": "ada", "password": "pw"}, headers={"accept": "text/html"})
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert b"is being moved" in answer.content
    assert b'value="ada"' in answer.content
    assert client.get(address).status_code == 200
    kept_databases.remove(data_dir)
    assert client.post(address, {"username": "ada", "password": "pw"}).status_code == 200


def test_what_another_site_sends_is_put_before_nobody(data_dir):
    kept_databases.write(data_dir, KEPT.by_us(MOVING))
    browser = Client(enforce_csrf_checks=True, headers={"Accept": "text/html", "Origin": "https://elsewhere.example.com"})
    answer = browser.post(reverse("application-new"), {"name": "chosen-elsewhere"})
    assert answer.status_code == 403
    assert "chosen-elsewhere" not in answer.text
    assert "<form" not in answer.text


def test_one_that_was_broken_off_keeps_nobody_from_work(client, data_dir):
    address = reverse("login")
    assert client.get(address).status_code == 200
    kept_databases.write(data_dir, Kept(**vars(KEPT) | {"state": MOVING, "pid": 1, "started": 1}))
    assert client.post(address, {"username": "ada", "password": "pw"}).status_code == 200
