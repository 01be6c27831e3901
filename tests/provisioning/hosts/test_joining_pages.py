"""What the host's page shows of joining, and what the console answers to a machine that joins."""

import hashlib
import html
import json
import re
import time

import pytest
from django.urls import reverse
from django.utils import timezone

from hostagent import bundle
from provisioning.hosts.services.attempts import Attempts
from provisioning.hosts.services.enrolment import make_token
from provisioning.models import Event, HostEnrolment, HostRuntime
from tests import factories
from tests.html import flat

from .machines import bearer, exchange, signed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker", "no_control")]
TYPED = {"name": "edge1", "ip_address": "192.0.2.10", "os_type": "Linux", "os_version": "12", "lca_port": "4999",
         "enabled": "on"}


@pytest.fixture(scope="module")
def agent_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("agent")
    bundle.build(directory)
    return directory


@pytest.fixture(autouse=True)
def _bundle(settings, agent_dir):
    settings.PAIRWISE_AGENT_DIR = agent_dir


@pytest.fixture
def host():
    return factories.make_host("edge1", status=None, lca_port=5001)


@pytest.fixture
def row(host):
    return make_token(actor=factories.ADMINISTRATOR, host_id=host.pk)


def page_of(client, host):
    return flat(client.get(reverse("host-detail", args=[host.pk])))


def line_in(page):
    found = re.search(r'<pre[^>]*id="join-line"[^>]*><code>(.*?)</code>', page, re.DOTALL)
    return html.unescape(found[1]) if found else ""


# --- the page


def test_a_new_host_shows_the_line_to_paste(administrator, agent_dir):
    page = administrator.post(reverse("host-new"), TYPED, follow=True).text
    line = line_in(page)
    token = HostEnrolment.objects.get().token
    facts = json.loads((agent_dir / "bundle.json").read_text())
    assert line.startswith(f"echo {token} | python3 -I -c ")
    assert facts["program_sha256"] in line
    assert line.endswith("--console http://testserver")
    assert not set(line) & set("\n`$!")
    assert line.count('"') == 2
    assert (f"echo {token} | pairwise-agent-join --console http://testserver --sha256 {facts['program_sha256']}"
            in html.unescape(page))


def test_the_line_is_there_as_long_as_its_token_is_good(administrator, host, row):
    assert row.token in line_in(page_of(administrator, host))
    HostEnrolment.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    page = page_of(administrator, host)
    assert not line_in(page)
    assert row.token not in page


@pytest.mark.parametrize("role", ["operator", "support"])
def test_who_may_not_manage_hosts_does_not_see_the_line(request, role, host, row):
    page = page_of(request.getfixturevalue(role), host)
    assert row.token not in page
    assert "Only users who may manage hosts see it." in page


def test_a_new_line_takes_the_place_of_the_former(administrator, host, row):
    answer = administrator.post(reverse("host-join", args=[host.pk]), follow=True)
    assert line_in(answer.text)
    assert row.token not in answer.text


def test_a_revoked_line_is_gone(administrator, host, row):
    page = administrator.post(reverse("host-join-revoke", args=[host.pk]), follow=True).text
    assert not line_in(page)
    assert "The line is good for nothing any more." in page


def test_a_console_that_others_cannot_reach_says_so(administrator, host, row):
    assert "it listens on 127.0.0.1 only. Set PAIRWISE_HOST" in html.unescape(page_of(administrator, host))


def test_without_a_bundle_there_is_no_line(administrator, host, row, settings, tmp_path):
    settings.PAIRWISE_AGENT_DIR = tmp_path
    page = page_of(administrator, host)
    assert not line_in(page)
    assert "was not built on this console" in page


def test_the_page_shows_each_stage_and_what_to_do(administrator, client, host, row):
    tell(client, row, "machine", "done", "Python 3.11.2, Linux on x86_64.")
    tell(client, row, "fetch", "failed", "The console at <b> cannot be reached.")
    page = page_of(administrator, host)
    assert "Python 3.11.2, Linux on x86_64." in page
    assert "The console at &lt;b&gt; cannot be reached." in page
    assert "may be pasted again as long as the token was not used" in page


def test_the_host_of_the_console_itself_has_no_line(administrator):
    host = factories.make_host("localhost", ip_address="127.0.0.1")
    assert reverse("host-join", args=[host.pk]) not in page_of(administrator, host)


# --- the machine


def tell(client, row, stage, state, text="", headers=None):
    body = {"stage": stage, "state": state, "text": text}
    return client.post(reverse("join-stage"), body, content_type="application/json", headers=headers or bearer(row))


def test_the_program_is_the_one_that_the_line_checks(client, agent_dir):
    answer = client.get(reverse("join-program"))
    facts = json.loads((agent_dir / "bundle.json").read_text())
    assert hashlib.sha256(answer.content).hexdigest() == facts["program_sha256"]


@pytest.mark.django_db(transaction=True)
async def test_the_bundle_is_for_who_has_a_token(async_client, agent_dir):
    from asgiref.sync import sync_to_async

    row = await sync_to_async(lambda: make_token(actor=factories.ADMINISTRATOR,
                                                 host_id=factories.make_host(status=None).pk))()
    answer = await async_client.get(reverse("join-bundle"), headers=bearer(row))
    body = b"".join([part async for part in answer.streaming_content])
    assert body == (agent_dir / "bundle.tar.gz").read_bytes()
    assert (await async_client.get(reverse("join-bundle"))).status_code == 403


def test_a_token_is_exchanged_once_for_what_the_agent_needs(client, host, row, settings):
    before = host.secret
    given = exchange(client, row).json()
    host.refresh_from_db()
    assert given["host"] == "edge1"
    assert given["secret"] == host.secret != before
    assert given["lca_port"] == 5001
    assert given["control"][0]["port"] == settings.PAIRWISE_CONTROL_PORT
    again = exchange(client, row)
    assert again.status_code == 403
    assert "used already" in again.text
    assert "Make a new line" in again.text


def test_a_machine_that_has_the_secret_keeps_it(client, host, row):
    before = host.secret
    proof = signed(host, reverse("join-exchange"), method="POST", body={"python": "3.11.2"})
    assert exchange(client, row, **proof).json()["secret"] == before


def test_a_wrong_signature_gives_a_new_secret(client, host, row):
    proof = signed(host, reverse("join-exchange"), method="POST", body={"python": "3.11.2"}, secret="another")
    assert exchange(client, row, **proof).json()["secret"] not in (host.secret, "another")


def test_after_joining_stages_are_signed(client, host, row):
    exchange(client, row)
    host.refresh_from_db()
    body = {"stage": "start", "state": "done", "text": "It runs."}
    headers = signed(host, reverse("join-stage"), method="POST", body=body)
    answer = tell(client, row, **{"stage": "start", "state": "done", "text": "It runs."}, headers=headers).json()
    assert (answer["host"], answer["now"]) == ("edge1", pytest.approx(time.time(), abs=60))
    row.refresh_from_db()
    assert row.stages[0]["text"] == "It runs."
    assert tell(client, row, "start", "failed").status_code == 403  # the token is spent
    # A signature that was heard is for what was said with it.
    assert tell(client, row, "start", "failed", headers=headers).status_code == 403


def test_the_machine_is_told_when_control_hears_its_agent(client, host, row):
    exchange(client, row)
    host.refresh_from_db()
    path = reverse("join-state")
    assert client.get(path, headers=signed(host, path)).json() == {"connected": False, "worker": False}
    body = {"stage": "start", "state": "done", "text": ""}
    tell(client, row, "start", "done", headers=signed(host, reverse("join-stage"), method="POST", body=body))
    HostRuntime.objects.create(host=host, status="Running", heard_at=timezone.now(), worker_alive=True)
    # Its worker is asked over the broker, which is away here.
    assert client.get(path, headers=signed(host, path)).json() == {"connected": True, "worker": False}


def test_a_machine_whose_clock_is_wrong_is_told_so_and_not_of_its_token(client, host, row):
    exchange(client, row)
    host.refresh_from_db()
    body = {"stage": "start", "state": "done", "text": ""}
    headers = signed(host, reverse("join-stage"), method="POST", body=body, at=time.time() + 1000)
    answer = tell(client, row, "start", "done", headers=headers)
    assert answer.status_code == 403
    assert "s ahead of the time of the console" in answer.text
    assert "token" not in answer.text


@pytest.mark.parametrize("body", ["", "[]", "{", "x" * 9000])
def test_rubbish_is_refused_with_a_sentence(client, row, body):
    answer = client.post(reverse("join-stage"), body, content_type="application/json", headers=bearer(row))
    assert answer.status_code == 403
    assert "no JSON object" in answer.text


def test_guessing_is_slowed_down(client, row):
    row.nonce = "wrong"
    answers = [exchange(client, row).status_code for _ in range(Attempts.LIMIT + 2)]
    assert answers == [403] * Attempts.LIMIT + [429] * 2
    assert Event.objects.count() == 1


def test_a_joined_machine_shows_as_an_event_without_any_secret(client, host, row):
    given = exchange(client, row).json()
    event = Event.objects.get()
    assert "joined and was given a new secret" in event.text
    assert given["secret"] not in event.text
    assert row.token not in event.text


def test_a_removed_agent_takes_its_secret_with_it(administrator, client, host, row):
    exchange(client, row)
    host.refresh_from_db()
    path, body = reverse("join-leave"), {"host": host.name}
    headers = signed(host, path, method="POST", body=body)
    assert client.post(path, body, content_type="application/json", headers=headers).status_code == 200
    before = host.secret
    host.refresh_from_db()
    assert host.secret != before
    assert host.left_at is not None
    assert "was removed from its machine" in Event.objects.first().text
    assert client.post(path, body, content_type="application/json", headers=headers).status_code == 403
    exchange(client, make_token(actor=factories.ADMINISTRATOR, host_id=host.pk))
    host.refresh_from_db()
    assert host.left_at is None
