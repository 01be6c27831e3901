"""E-mail by a real mail server on loopback."""

import email
import email.policy
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provisioning.notifications.facts import Message, Recipient
from provisioning.notifications.rules.mail import SmtpServer, smtp_server
from provisioning.notifications.worker import mail
from provisioning.states import ChannelKind, Told

from .receivers import MailReceiver

MESSAGE = Message(message_id="msg_1", told=Told.RAISED, subject="Critical: MS_P: Application Failure", alarms=(7,),
                  text="It broke <b>badly</b>.\nhttps://console.example.com/monitoring/alarms/7/", payload={},
                  at=datetime(2026, 3, 2, tzinfo=UTC))
TO = Recipient("mail", ChannelKind.MAIL, {"to": "ada@example.com, otto@example.com"})


@pytest.fixture(autouse=True)
def sender(settings):
    settings.PAIRWISE_MAIL_FROM = "Pairwise <alarms@console.example.com>"


def sent(settings, receiver, message=MESSAGE, to=TO):
    settings.PAIRWISE_SMTP_URL = receiver.url
    return mail.send(to, message)


def opened(got):
    return email.message_from_bytes(got[2], policy=email.policy.default)


def test_it_arrives_as_text_and_html_with_headers_that_machines_understand(settings):
    with MailReceiver() as receiver:
        answer = sent(settings, receiver)
    assert answer.succeeded, answer
    [got] = receiver.got
    assert got[:2] == ("alarms@console.example.com", ["ada@example.com", "otto@example.com"])
    found = opened(got)
    assert (found["Subject"], found["From"], found["To"]) == (
        "[Pairwise] Critical: MS_P: Application Failure", "Pairwise <alarms@console.example.com>",
        "ada@example.com, otto@example.com")
    assert (found["Message-ID"], found["Auto-Submitted"]) == ("<msg_1@console.example.com>", "auto-generated")
    assert found.get_body(("plain",)).get_content().split() == MESSAGE.text.split()
    assert "It broke &lt;b&gt;badly&lt;/b&gt;." in found.get_body(("html",)).get_content()


def test_that_an_alarm_ended_stands_in_the_thread_of_that_it_was_raised(settings):
    ended = replace(MESSAGE, message_id="msg_2", told=Told.CLEARED, subject="Cleared: Critical: MS_P")
    with MailReceiver() as receiver:
        sent(settings, receiver)
        sent(settings, receiver, ended)
    first, second = map(opened, receiver.got)
    assert first["References"] == second["References"] == "<alarm-7@console.example.com>"


@pytest.mark.parametrize(("scheme", "how"), [("smtps", "tls"), ("smtp+tls", "starttls")])
def test_it_goes_over_tls_to_a_server_whose_certificate_is_trusted(settings, certificates, monkeypatch, scheme, how):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    for name, taken in (("localhost", True), ("other.example.com", False)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificates.issue(name))
        with MailReceiver(**{how: context}) as receiver:
            settings.PAIRWISE_SMTP_URL = f"{scheme}://localhost:{receiver.port}"
            answer = mail.send(TO, MESSAGE)
        assert (answer.succeeded, len(receiver.got)) == (taken, taken), answer
    assert "certificate verify failed" in answer.said


def test_a_subject_is_one_line_whatever_an_alarm_is_called(settings):
    forged = replace(MESSAGE, subject="Down\r\nBcc: eve@example.com\r\n\r\nbody")
    with MailReceiver() as receiver:
        assert sent(settings, receiver, forged).succeeded
    found = opened(receiver.got[0])
    assert (found["Subject"], found["Bcc"]) == ("[Pairwise] Down Bcc: eve@example.com body", None)
    assert receiver.got[0][1] == ["ada@example.com", "otto@example.com"]


def test_that_one_of_several_is_refused_is_said(settings):
    with MailReceiver() as receiver:
        answer = sent(settings, receiver, to=replace(TO, fields={"to": "ada@example.com, nobody@example.com"}))
    assert receiver.got[0][1] == ["ada@example.com"]
    assert (answer.succeeded, answer.said) == (
        True, "The mail server 127.0.0.1 took it, but not for nobody@example.com.")


def test_a_server_that_refuses_says_why(settings):
    with MailReceiver() as receiver:
        refused = sent(settings, receiver, to=replace(TO, fields={"to": "nobody@example.com"}))
    with MailReceiver(greeting=b"554 Not from there\r\n") as receiver:
        closed = sent(settings, receiver)
    assert (refused.succeeded, refused.said) == (False, "The mail server refused its recipients: nobody@example.com")
    assert (closed.succeeded, closed.said) == (False, "The mail server refused it: 554 Not from there")


def test_a_server_that_takes_its_time_is_left(settings, monkeypatch):
    monkeypatch.setattr(mail, "WHOLE_S", 0.3)
    began = time.monotonic()
    with MailReceiver(drips=True) as receiver:
        answer = sent(settings, receiver)
        assert time.monotonic() - began < 3
    assert not answer.succeeded


def test_without_a_server_it_says_what_to_set(settings, closed_port):
    settings.PAIRWISE_SMTP_URL = ""
    assert "Set PAIRWISE_SMTP_URL" in mail.send(TO, MESSAGE).said
    settings.PAIRWISE_SMTP_URL = "mail.example.com:25"
    assert "is no address of a mail server" in mail.send(TO, MESSAGE).said
    settings.PAIRWISE_SMTP_URL = f"smtp://127.0.0.1:{closed_port}"
    assert "did not take it" in mail.send(TO, MESSAGE).said


@pytest.mark.parametrize(("url", "server"), [
    ("smtp://mail.example.com", SmtpServer("mail.example.com", 25)),
    ("smtp+tls://ada:p%40ss%2Fw@mail.example.com", SmtpServer("mail.example.com", 587, "tls", "ada", "p@ss/w")),
    ("smtps://[2001:db8::1]:4465", SmtpServer("2001:db8::1", 4465, "ssl")),
])
def test_the_address_of_the_server_says_how_it_is_secured(url, server):
    assert smtp_server(url) == server


@pytest.mark.parametrize("url", ["", "smtp://", "http://mail.example.com", "smtp://mail:port", "smtps://[1::2::3]"])
def test_another_address_is_refused_without_being_quoted(url):
    with pytest.raises(ValueError, match=r"^PAIRWISE_SMTP_URL is no address of a mail server\. Write smtp\+tls"):
        smtp_server(url)
