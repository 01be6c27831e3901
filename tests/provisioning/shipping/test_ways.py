"""One attempt by each way, to receivers that really listen."""

import json
import os
import socket
import stat
import time
from dataclasses import replace

import pytest

from provisioning.shipping.facts import Target
from provisioning.shipping.worker import sockets, ways
from tests.certificates import Certificates
from tests.provisioning.notifications.receivers import WebReceiver, answering

from .collectors import (
    Collector,
    a_gulp_then_close,
    answers_at_once,
    answers_at_the_end,
    close_at_once,
    frames,
    one_then_close,
    tls_of,
)
from .test_lines import ENTRY

MANY = [replace(ENTRY, number=number) for number in range(1, 4)]


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = True


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shown(certificates):
    """{certificate, key} as PEM."""
    files = certificates.issue("console")
    return dict(zip(("certificate", "key"), (each.read_text() for each in files), strict=True))


def sent(address, entries=MANY, **fields):
    target = Target(**{"name": "siem", "address": address, "host": "console", "version": "0.1", **fields})
    return ways.send(target, ways.written(target, entries))


def test_all_of_it_goes_over_tcp():
    with Collector() as collector:
        outcome = sent(collector.address)
    assert outcome.taken
    assert collector.numbers == [1, 2, 3]


def test_all_of_it_goes_over_tls_to_whom_the_ca_vouches_for(certificates):
    with Collector(tls=tls_of(certificates, "127.0.0.1")) as collector:
        outcome = sent(collector.address, ca=certificates.authority.read_text())
        assert outcome.taken, outcome
        assert "TLSv1.3" in outcome.said
        unknown = sent(collector.address)
    assert collector.numbers == [1, 2, 3]
    assert (unknown.taken, "not trusted" in unknown.said) == (False, True)


def test_a_certificate_for_another_name_is_not_trusted(certificates):
    with Collector(tls=tls_of(certificates, "other.example.com")) as collector:
        outcome = sent(collector.address, ca=certificates.authority.read_text())
    assert (outcome.taken, "not trusted" in outcome.said, collector.got) == (False, True, [])


def test_a_receiver_that_asks_is_shown_the_certificate(certificates, shown):
    with Collector(tls=tls_of(certificates, "127.0.0.1", asks=True)) as collector:
        ca = certificates.authority.read_text()
        assert sent(collector.address, ca=ca, **shown).taken
        for entries in (MANY, MANY[:1]):
            outcome = sent(collector.address, entries, ca=ca)
            assert not outcome.taken
            assert "BEGIN" not in outcome.said
    assert collector.numbers == [1, 2, 3]
    assert len(collector.peers) == 1


@pytest.mark.parametrize("secured", [False, True])
@pytest.mark.parametrize("does", [one_then_close, a_gulp_then_close])
def test_who_closes_after_a_message_has_taken_no_more_than_one(certificates, secured, does):
    with Collector(does, tls=tls_of(certificates, "127.0.0.1") if secured else None) as collector:
        ca = certificates.authority.read_text() if secured else ""
        assert not sent(collector.address, ca=ca).taken
        assert sent(collector.address, MANY[2:], ca=ca).taken
    assert collector.numbers[-1] == 3


@pytest.mark.parametrize("secured", [False, True])
def test_who_closes_before_reading_has_taken_nothing(certificates, secured):
    with Collector(close_at_once, tls=tls_of(certificates, "127.0.0.1") if secured else None) as collector:
        ca = certificates.authority.read_text() if secured else ""
        for _ in range(5):
            assert not sent(collector.address, MANY[:1], ca=ca).taken


def test_who_hangs_has_taken_nothing(monkeypatch):
    monkeypatch.setattr(sockets, "CLOSES_S", 0.3)
    collector = Collector()
    collector._does = [collector.hang]
    with collector:
        outcome = sent(collector.address)
    assert (outcome.taken, outcome.reached, "has not read" in outcome.said) == (False, True, True)


@pytest.mark.parametrize("secured", [False, True])
@pytest.mark.parametrize("does", [answers_at_once, answers_at_the_end])
@pytest.mark.parametrize("count", [1, 3])
def test_who_answers_is_no_receiver_of_syslog(certificates, secured, does, count):
    with Collector(does, tls=tls_of(certificates, "127.0.0.1") if secured else None) as collector:
        outcome = sent(collector.address, MANY[:count], ca=certificates.authority.read_text() if secured else "")
    assert not outcome.taken
    if count == 1 or does is answers_at_the_end:
        assert "no receiver of syslog" in outcome.said


def test_who_answers_without_end_keeps_nobody_waiting(monkeypatch, certificates):
    # Whatever TLS makes of it, the connection below it ends.
    monkeypatch.setattr(sockets, "_end_tls", lambda sock: None)

    def floods(connection):
        while True:
            connection.sendall(b"x" * 4096)

    with Collector(floods, tls=tls_of(certificates, "127.0.0.1")) as collector:
        outcome = sent(collector.address, MANY[:1], ca=certificates.authority.read_text())
    assert "no receiver of syslog" in outcome.said


def test_who_reads_a_bit_at_a_time_over_tls_has_one_time_for_all_of_it(monkeypatch, certificates):
    monkeypatch.setattr(sockets, "CLOSES_S", 0.3)

    def drips(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(200):
            connection.recv(16_384)
            time.sleep(0.05)
        return []

    large = [replace(ENTRY, number=number, reason="x" * 7000) for number in range(1, 600)]
    with Collector(drips, tls=tls_of(certificates, "127.0.0.1")) as collector:
        began = time.monotonic()
        assert not sent(collector.address, large, ca=certificates.authority.read_text()).taken
        assert time.monotonic() - began < 2


def test_who_does_not_begin_with_tls_is_said_so(monkeypatch):
    monkeypatch.setattr(ways, "CONNECT_S", 0.2)
    with Collector() as collector:
        outcome = sent(collector.address.replace("tcp", "tls"))
    assert "did not begin with TLS" in outcome.said


def test_who_is_away_was_not_reached():
    with Collector() as collector:
        pass
    outcome = sent(collector.address)
    assert (outcome.taken, outcome.reached) == (False, False)
    assert "cannot be reached" in outcome.said


def test_datagrams_hold_a_message_each():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        outcome = sent(f"syslog+udp://127.0.0.1:{receiver.getsockname()[1]}")
        got = [receiver.recv(65536) for _ in MANY]
    assert outcome.taken
    assert [text.count(b"<109>1 ") for text in got] == [1, 1, 1]


def test_datagrams_to_where_nobody_listens_are_not_taken():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        port = receiver.getsockname()[1]
    assert not sent(f"syslog+udp://127.0.0.1:{port}").taken


def test_the_socket_of_a_collector_on_this_machine(tmp_path):
    path = tmp_path / "log"
    assert "cannot be opened" in sent(f"syslog+unix://{path}").said
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        assert sent(f"syslog+unix://{path}").taken
        assert [receiver.recv(65536)[:8] for _ in MANY] == [b"<109>1 2"] * 3


def test_lines_are_added_to_a_file_that_only_its_group_may_read(tmp_path):
    path = tmp_path / "audit.json"
    assert sent(f"file://{path}").taken
    assert sent(f"file://{path}", [replace(ENTRY, number=4)]).taken
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1, 2, 3, 4]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_file_that_somebody_else_has_made_keeps_its_mode(tmp_path):
    path = tmp_path / "audit.json"
    path.touch(0o600)
    assert sent(f"file://{path}").taken
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_holds_something_else_stays_as_it_is_also_under_another_name(tmp_path):
    other = tmp_path / "agent.json"
    other.write_text('{"password": 1}\n')
    os.link(other, tmp_path / "audit.json")
    outcome = sent(f"file://{tmp_path}/audit.json")
    assert (outcome.taken, "holds something else" in outcome.said) == (False, True)
    assert other.read_text() == '{"password": 1}\n'


def test_a_line_that_was_torn_stays_alone(tmp_path):
    path = tmp_path / "audit.json"
    path.write_text('{"number": 1}\n{"numb')
    assert sent(f"file://{path}", MANY[1:2]).taken
    lines = path.read_text().splitlines()
    assert lines[1] == '{"numb'
    assert json.loads(lines[2])["number"] == 2


def test_nothing_else_than_a_regular_file_is_written_to(tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text("")
    (tmp_path / "link.json").symlink_to(elsewhere)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "directory.json").mkdir()
    for name in ("link.json", "pipe.json", "directory.json", "nowhere/audit.json"):
        assert not sent(f"file://{tmp_path}/{name}").taken, name
    assert elsewhere.read_text() == ""


def test_events_are_posted_with_their_token_which_no_answer_repeats():
    with WebReceiver(answering(200, b'{"text":"Success"}'), answering(403, b"No: s3cret-token")) as receiver:
        address = receiver.url
        assert sent(address, token="s3cret-token").taken
        refused = sent(address, token="s3cret-token")
    _, headers, body = receiver.got[0]
    assert headers["Authorization"] == "Splunk s3cret-token"
    assert [json.loads(line)["event"]["number"] for line in body.splitlines()] == [1, 2, 3]
    assert (refused.taken, refused.reached) == (False, True)
    assert refused.said.startswith("It answered 403: No: ")
    assert "s3cret" not in refused.said


@pytest.mark.parametrize("body", [
    b"<!DOCTYPE html><title>Sign in</title>", b" <html>", b'{"text": "Invalid token", "code": 4}'])
def test_an_answer_that_says_otherwise_than_its_status_is_not_taken(body):
    with WebReceiver(answering(200, body)) as receiver:
        outcome = sent(receiver.url)
    assert (outcome.taken, outcome.reached) == (False, True)


@pytest.mark.parametrize("body", [b"", b"ok", b"[1]", b'{"text": "Success", "code": 0}', b"[" * 5000])
def test_any_other_answer_with_success_is_taken(body):
    with WebReceiver(answering(200, body)) as receiver:
        assert sent(receiver.url).taken


def test_a_redirect_is_said_once():
    with WebReceiver(answering(302, Location="http://127.0.0.1/")) as receiver:
        assert sent(receiver.url).said.count("It answered") == 1


def test_https_is_verified_by_the_ca_of_the_target(certificates):
    with WebReceiver(tls=tls_of(certificates, "127.0.0.1")) as receiver:
        address = receiver.url.replace("http://", "https://")
        assert sent(address, ca=certificates.authority.read_text()).taken
        assert "not trusted" in sent(address).said


def test_where_a_name_leads_is_judged_when_it_is_asked(settings):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = False
    with Collector() as collector:
        outcome = sent(f"syslog+tcp://localhost.:{collector.port}")
    assert (outcome.taken, collector.connections) == (False, 0)


def test_so_much_goes_at_once_as_fits_and_one_always_does(monkeypatch):
    monkeypatch.setattr(ways, "MOST_BYTES", 10)
    assert [ways.fitting(each) for each in ([b"x" * 99], [b"x" * 5] * 3, [b"x"] * 3)] == [1, 2, 3]


def test_frames_are_read_as_they_are_written():
    assert frames(b"3 abc2 de9 torn") == [b"abc", b"de"]
