"""What hosts ask the console for, signed with their own secret."""

import hashlib
import logging
import re
import time

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from protocol import auth
from provisioning.hosts.views import host_api
from provisioning.hosts.views.host_api import BoundedLog
from provisioning.models import Event
from provisioning.web.ranges import Unsatisfiable, parse_range
from tests import factories

from .machines import signed

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def host(db):
    return factories.make_host("edge1")


@pytest.fixture
def package(host, settings, tmp_path):
    """A package that a job of the host is to install."""
    settings.PAIRWISE_PACKAGES_DIR = tmp_path
    (tmp_path / "stored.tar.gz").write_bytes(CONTENT)
    row = factories.make_package(path="stored.tar.gz", size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    factories.make_job(factories.make_application(host=host), kind="install", arguments={"package": {"id": row.pk}})
    return row


async def fetch(async_client, host, package, **headers):
    path = reverse("host-package-file", args=[package.pk])
    answer = await async_client.get(path, headers={**await _signed(host, path), **headers})
    body = b"".join([part async for part in answer.streaming_content]) if answer.streaming else answer.content
    return answer, body


async def _signed(host, path):
    return signed(host, path)


# --- package file


@pytest.mark.django_db(transaction=True)
async def test_a_host_fetches_the_whole_package(async_client, host, package):
    answer, body = await fetch(async_client, host, package)
    assert (answer.status_code, body) == (200, CONTENT)
    assert answer["Content-Length"] == str(len(CONTENT))
    assert answer["ETag"] == f'"{package.sha256}"'
    assert answer["Accept-Ranges"] == "bytes"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("asked", "first", "last"), [
    ("bytes=1000000-", 1_000_000, len(CONTENT) - 1), ("bytes=0-0", 0, 0), ("bytes=10-99999999", 10, len(CONTENT) - 1),
    ("bytes=-100", len(CONTENT) - 100, len(CONTENT) - 1),
])
async def test_a_cut_download_goes_on_where_it_stopped(async_client, host, package, asked, first, last):
    answer, body = await fetch(async_client, host, package, Range=asked)
    assert (answer.status_code, body) == (206, CONTENT[first:last + 1])
    assert answer["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer["Content-Length"] == str(last - first + 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=99999999-100000000", "bytes=-0"])
async def test_a_range_beyond_the_end_is_refused_with_the_size(async_client, host, package, asked):
    answer, _ = await fetch(async_client, host, package, Range=asked)
    assert answer.status_code == 416
    assert answer["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.django_db(transaction=True)
async def test_a_range_of_another_content_gets_the_whole_file(async_client, host, package):
    answer, body = await fetch(async_client, host, package, Range="bytes=5-", **{"If-Range": '"other"'})
    assert (answer.status_code, body) == (200, CONTENT)


@pytest.mark.parametrize("damage", ["missing", "shortened", "outside"])
def test_a_package_whose_file_is_not_whole_is_not_handed_out(client, host, package, settings, damage):
    path = settings.PAIRWISE_PACKAGES_DIR / "stored.tar.gz"
    if damage == "missing":
        path.unlink()
    elif damage == "shortened":
        path.write_bytes(CONTENT[:-1])
    else:
        outside = settings.PAIRWISE_PACKAGES_DIR.parent / "outside"
        outside.write_bytes(CONTENT)
        type(package).objects.filter(pk=package.pk).update(path="../outside")
    url = reverse("host-package-file", args=[package.pk])
    answer = client.get(url, headers=signed(host, url))
    assert answer.status_code == 404
    assert "Import the package again" in answer.text


@pytest.mark.parametrize(("header", "expected"), [
    ("", None), ("bytes=-", None), ("bytes=0-1,3-4", None), ("lines=0-1", None), ("bytes=5-2", None),
    ("bytes=2-5", (2, 5)), ("bytes=2-", (2, 9)), ("bytes=-3", (7, 9)), ("bytes=-99", (0, 9)), ("bytes=9-9", (9, 9)),
])
def test_ranges_are_read_as_http_says(header, expected):
    assert parse_range(header, 10) == expected


@given(st.text(alphabet="bytes=,-0123456789 x", max_size=30), st.integers(0, 10**6))
def test_any_range_lies_inside_the_file(header, size):
    try:
        part = parse_range(header, size)
    except Unsatisfiable:
        return
    assert part is None or 0 <= part[0] <= part[1] < size


# --- application secret


def test_a_host_gets_the_secret_of_its_own_application(client, host):
    application = factories.make_application(host=host)
    url = reverse("host-application-secret", args=[application.pk])
    answer = client.get(url, headers=signed(host, url))
    assert (answer.status_code, answer.text) == (200, application.secret)
    assert "no-store" in answer["Cache-Control"]


def test_a_host_does_not_get_the_secret_of_an_application_elsewhere(client, host):
    application = factories.make_application(host=factories.make_host("edge2"))
    url = reverse("host-application-secret", args=[application.pk])
    answer = client.get(url, headers=signed(host, url))
    assert answer.status_code == 403
    assert answer.text == f"Application {application.pk} is not on host edge1.\n"


# --- signatures


def wrong(host, url, how):
    now = int(time.time())
    headers = signed(host, url)
    return {
        "absent": {},
        "unknown host": {**headers, "X-Pairwise-Host": "nobody"},
        "other secret": signed(host, url, secret="guess"),
        "other path": signed(host, "/host-api/applications/99/secret"),
        "other method": signed(host, url, method="POST"),
        "with a body": {**headers, "X-Pairwise-Signature": auth.sign(
            host.secret, auth.REQUEST, host=host.name, method="GET", path=url, at=now, body=b"x")},
        "for a job": {**headers, "X-Pairwise-Signature": auth.sign(
            host.secret, auth.JOB, host=host.name, method="GET", path=url, at=now)},
        "time changed": {**headers, "X-Pairwise-At": str(now + 1)},
        "no time": {**headers, "X-Pairwise-At": "soon"},
        "not text": {**headers, "X-Pairwise-Signature": "é" * 64},
    }[how]


@pytest.mark.parametrize("how", ["absent", "unknown host", "other secret", "other path", "other method",
                                 "with a body", "for a job", "time changed", "no time", "not text"])
def test_a_request_that_is_not_signed_right_is_refused_with_a_sentence(client, host, how):
    application = factories.make_application(host=host)
    url = reverse("host-application-secret", args=[application.pk])
    answer = client.get(url, headers=wrong(host, url, how))
    assert answer.status_code == 403
    assert answer.text.startswith("The signature of this request is missing or wrong.")
    assert application.secret not in answer.text


@pytest.mark.parametrize(("off_s", "said"), [(-302, "before"), (302, "ahead of")])
def test_a_clock_that_is_off_is_told_to_who_has_the_secret_alone(client, host, off_s, said):
    application = factories.make_application(host=host)
    url, at = reverse("host-application-secret", args=[application.pk]), time.time() + off_s
    answer = client.get(url, headers=signed(host, url, at=at))
    assert answer.status_code == 403
    assert re.fullmatch(rf"This request was signed 30\d s {said} the time of the console, which takes 300 s at most: "
                        r"set the clocks of this host and of the console\.\n", answer.text)
    assert said in Event.objects.get(host=host).text
    assert "clocks" not in client.get(url, headers=signed(host, url, at=at, secret="guess")).text


def test_a_query_is_signed_with_the_path(client, host):
    application = factories.make_application(host=host)
    url = reverse("host-application-secret", args=[application.pk])
    assert client.get(f"{url}?a=1", headers=signed(host, url)).status_code == 403
    assert client.get(f"{url}?a=1", headers=signed(host, f"{url}?a=1")).status_code == 200


def test_a_disabled_host_gets_nothing(client, db):
    host = factories.make_host(enabled=False)
    application = factories.make_application(host=host)
    url = reverse("host-application-secret", args=[application.pk])
    assert client.get(url, headers=signed(host, url)).status_code == 403


def test_a_signed_in_person_is_no_host(administrator, host):
    application = factories.make_application(host=host)
    assert administrator.get(reverse("host-application-secret", args=[application.pk])).status_code == 403


def test_only_reading_is_possible(client, host):
    application = factories.make_application(host=host)
    url = reverse("host-application-secret", args=[application.pk])
    assert client.post(url, headers=signed(host, url, method="POST")).status_code == 405


# --- log


def test_a_flood_of_refusals_is_one_line_that_counts_the_rest(caplog):
    log = BoundedLog()
    with caplog.at_level(logging.WARNING, logger=host_api.__name__):
        written = [log.warning("refused", now=now) for now in (0.0, 1.0, 2.0, 20.0)]
    assert written == [True, False, False, True]
    assert [record.getMessage() for record in caplog.records] == [
        "refused", "refused (2 more since the last such line)"]
