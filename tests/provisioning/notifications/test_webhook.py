"""Webhooks: signed, within a time, to nobody who must not be asked."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime

import pytest

from provisioning.notifications.facts import Message, Recipient
from provisioning.notifications.rules.signature import key_of
from provisioning.notifications.worker import mattermost, post, webhook
from provisioning.states import ChannelKind, Told

from .receivers import WebReceiver, answering, dripping, hanging

MESSAGE = Message(message_id="msg_1", told=Told.RAISED, subject="Critical: MS_P", text="It broke. @all", alarms=(1,),
                  payload={"type": "alarm.raised", "data": {"text": "é"}}, at=datetime(2026, 3, 2, tzinfo=UTC))
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.PAIRWISE_WEBHOOK_LOOPBACK, settings.PAIRWISE_WEBHOOK_HTTP = True, False


def sent(url, **fields):
    return webhook.send(Recipient("hook", ChannelKind.WEBHOOK, {"url": url, **fields}), MESSAGE)


def resolving(monkeypatch, *addresses):
    """Every name is known by these addresses."""
    def found(host, port, **_):
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
                for each in addresses]
    monkeypatch.setattr(post.socket, "getaddrinfo", found)


def test_a_receiver_gets_the_message_and_knows_who_sent_it():
    with WebReceiver() as receiver:
        answer = sent(receiver.url, secret=SECRET)
    assert (answer.succeeded, answer.status, answer.said) == (True, 200, "Thanks.")
    [(path, headers, body)] = receiver.got
    assert (path, json.loads(body)) == ("/hook?a=b", MESSAGE.payload)
    assert (headers["webhook-id"], headers["User-Agent"], headers["Content-Type"], headers["Host"]) == (
        "msg_1", "Pairwise", "application/json", f"127.0.0.1:{receiver.port}")
    signed = b"msg_1." + headers["webhook-timestamp"].encode() + b"." + body
    made = base64.b64encode(hmac.new(b"0123456789abcdef01234567", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


def test_without_a_secret_nothing_is_signed_and_a_plain_one_is_its_own_key():
    with WebReceiver() as receiver:
        sent(receiver.url)
    assert "webhook-signature" not in receiver.got[0][1]
    assert key_of("plain words") == b"plain words"


def test_the_next_attempt_has_the_same_number_and_body():
    with WebReceiver(answering(500, b"Not now."), answering(204)) as receiver:
        first, second = sent(receiver.url), sent(receiver.url)
    assert (first.succeeded, first.status, first.said) == (False, 500, "Not now.")
    assert (second.succeeded, second.status) == (True, 204)
    assert [(headers["webhook-id"], body) for _, headers, body in receiver.got] == [("msg_1", receiver.got[0][2])] * 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_another_address_is_not_followed(status):
    with WebReceiver() as other, WebReceiver(answering(status, Location=other.url)) as receiver:
        answer = sent(receiver.url)
    assert (answer.succeeded, answer.status, other.got) == (False, status, [])
    assert "which names another address. That is not followed" in answer.said


@pytest.mark.parametrize("behaviour", [hanging, dripping])
def test_a_receiver_that_takes_its_time_is_left(behaviour, monkeypatch):
    monkeypatch.setattr(post, "WHOLE_S", 0.3)
    began = time.monotonic()
    with WebReceiver(behaviour) as receiver:
        answer = sent(receiver.url)
        assert time.monotonic() - began < 3
    assert not answer.succeeded
    assert "did not answer within" in answer.said


def test_what_was_taken_is_taken_also_if_the_rest_of_the_answer_does_not_come(monkeypatch):
    def cut_off(request, receiver):
        answering(202, b"Tha", **{"Content-Length": "1000"})(request, receiver)
        receiver.ended.wait(20)

    monkeypatch.setattr(post, "WHOLE_S", 0.3)
    with WebReceiver(cut_off) as receiver:
        answer = sent(receiver.url)
    assert (answer.succeeded, answer.status) == (True, 202)


def test_of_a_long_answer_only_the_beginning_is_read():
    with WebReceiver(answering(400, b"x" * 5_000_000)) as receiver:
        answer = sent(receiver.url)
    assert (answer.succeeded, len(answer.said)) == (False, post.MOST_READ)


def test_what_is_no_answer_of_http_is_a_failure():
    with WebReceiver(lambda request, receiver: request.wfile.write(b"SSH-2.0-x\r\n")) as receiver:
        answer = sent(receiver.url)
    assert not answer.succeeded
    assert "is no HTTP" in answer.said


def test_nobody_listens(closed_port):
    answer = sent(f"http://127.0.0.1:{closed_port}/")
    assert not answer.succeeded
    assert "cannot be reached: Connection refused" in answer.said


# --- whom nobody may ask


def test_this_machine_is_not_asked_unless_that_is_set(settings, monkeypatch):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = False
    with WebReceiver() as receiver:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            assert "PAIRWISE_WEBHOOK_LOOPBACK=1" in sent(f"https://{host}:{receiver.port}/").said
        resolving(monkeypatch, "127.0.0.1")
        assert "receiver.example.com is not asked" in sent(f"https://receiver.example.com:{receiver.port}/").said
    assert receiver.got == []


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254", "0.0.0.0",
                                     "224.0.0.1", "ff02::1"])
def test_a_name_that_leads_where_nobody_may_ask_is_not_asked(address, monkeypatch):
    monkeypatch.setattr(post.socket, "socket", lambda *args, **_: pytest.fail("It was asked."))
    for addresses in ([address], ["192.0.2.1", address]):
        resolving(monkeypatch, *addresses)
        answer = sent("https://receiver.example.com/")
        assert not answer.succeeded
        assert "receiver.example.com is not asked" in answer.said


def test_forms_of_loopback_that_only_some_read_are_judged_when_they_are_resolved(settings):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = False
    for host in ("2130706433", "0x7f000001", "127.1"):
        assert "is not asked: 127.0.0.1" in sent(f"https://{host}/").said


def test_the_address_that_was_judged_is_the_one_that_is_asked(settings, monkeypatch):
    settings.PAIRWISE_WEBHOOK_HTTP = True
    asked = []

    def once(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(post.socket, "getaddrinfo", once)
    with WebReceiver() as receiver:
        assert sent(f"http://receiver.example.com:{receiver.port}/").succeeded
    assert asked == ["receiver.example.com"]
    assert receiver.got[0][1]["Host"] == f"receiver.example.com:{receiver.port}"


def test_http_goes_to_other_machines_only_where_that_is_set():
    assert "PAIRWISE_WEBHOOK_HTTP=1" in sent("http://192.0.2.1/").said


def test_a_name_that_is_not_known_or_takes_too_long(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror("no")

    ended = threading.Event()
    monkeypatch.setattr(post.socket, "getaddrinfo", unknown)
    assert "The name receiver.example.com is not known" in sent("https://receiver.example.com/").said
    monkeypatch.setattr(post.socket, "getaddrinfo", lambda *_, **__: ended.wait(20))
    monkeypatch.setattr(post, "CONNECT_S", 0.1)
    assert "was not resolved within" in sent("https://receiver.example.com/").said
    ended.set()


def test_tls_is_verified_against_the_name_whatever_address_it_has(certificates, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    resolving(monkeypatch, "127.0.0.1")
    for name, taken in (("receiver.example.com", True), ("other.example.com", False)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates.issue(name))
        with WebReceiver(tls=context) as receiver:
            answer = sent(f"https://receiver.example.com:{receiver.port}/")
        assert answer.succeeded == taken, answer
        if not taken:
            assert "The certificate of receiver.example.com is not trusted" in answer.said


def test_mattermost_gets_a_text_that_calls_nobody():
    with WebReceiver() as receiver:
        answer = mattermost.send(Recipient("chat", ChannelKind.MATTERMOST, {"url": receiver.url}), MESSAGE)
    assert answer.succeeded
    assert json.loads(receiver.got[0][2])["text"] == "Critical: MS_P\n\nIt broke. @\u200ball"
