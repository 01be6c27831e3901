"""Chats and pagers: Apprise understands the addresses that are built for it, and asks only where it should."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from provisioning.notifications.facts import Message, Recipient
from provisioning.notifications.rules.addresses import vendor_parts
from provisioning.notifications.rules.chats import BUILDERS, apprise_url
from provisioning.notifications.worker import chats, transports
from provisioning.states import ChannelKind, Told

from .test_refusals import GOOD

MESSAGE = Message(message_id="msg_1", told=Told.RAISED, subject="Critical: MS_P", text="It broke. @all", alarms=(7,),
                  payload={}, at=datetime(2026, 3, 2, tzinfo=UTC))
ENDED = replace(MESSAGE, told=Told.CLEARED)
SCHEMAS = {"workflows", "slack", "wxteams", "gchat", "pagerduty", "opsgenie", "jira", "sns"}


def service(kind, fields=None, message=MESSAGE):
    return chats.service_of(kind, apprise_url(kind, fields or GOOD[kind], message))


class Asked(list):
    """Requests that would have been sent; each is answered with ``status``."""

    status = 200


@pytest.fixture
def asked(monkeypatch):
    import requests

    found = Asked()

    def send(adapter, request, **_):
        found.append(request)
        reply = requests.Response()
        reply.status_code, reply.request, reply.url = found.status, request, request.url
        reply.headers["Location"] = "https://elsewhere.example.com/"
        reply._content, reply._content_consumed = b"{}", True
        return reply

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    return found


def body_of(request):
    return request.body if isinstance(request.body, str) else request.body.decode()


def test_apprise_is_asked_for_these_services_and_no_other():
    assert {apprise_url(kind, GOOD[kind], MESSAGE).partition("://")[0] for kind in BUILDERS} == SCHEMAS
    assert BUILDERS.keys() == chats.SERVICES.keys() == set(ChannelKind) - transports.OWN.keys()


@pytest.mark.parametrize("kind", BUILDERS)
def test_apprise_takes_the_address_and_follows_nobody(kind):
    made = service(kind)
    assert (made.redirects, made.socket_connect_timeout, made.socket_read_timeout) == (False, 5.0, 10.0)
    assert made.verify_certificate


def test_the_parts_of_a_webhook_arrive_where_apprise_keeps_them():
    teams = service(ChannelKind.TEAMS)
    assert (teams.host, teams.workflow, teams.signature, teams.api_version) == (
        "prod-12.westeurope.logic.azure.com", "643e69f83c8944438d68119179a10a64",
        "BGr5FMXXnGd5RBLnZCcm0-aBcDeFgHiJ", "2016-06-01")
    slack = service(ChannelKind.SLACK)
    assert (slack.token_a, slack.token_b, slack.token_c) == ("T12345678", "B12345678", "abcdefghijABCDEFGHIJ1234")
    google = service(ChannelKind.GOOGLE_CHAT)
    assert (google.workspace, google.webhook_token) == (
        "AAAAk6lGXyM", "O7b1nyri_waOpLMSzbFILAGRzgtQofPW71fEEXKcyFk=")
    assert service(ChannelKind.WEBEX).token == GOOD[ChannelKind.WEBEX]["url"].rpartition("/")[2]
    sns = service(ChannelKind.SNS)
    assert (sns.aws_access_key_id, sns.aws_secret_access_key, sns.topics) == (
        "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCY", ["alarms"])


@pytest.mark.parametrize("secret", ["a/b", "a?b=c&d", "a#b", "a@b", "a%2Fb", "a b", "a:b"])
def test_no_sign_in_a_key_makes_another_address_of_it(secret):
    for kind in (ChannelKind.OPSGENIE, ChannelKind.JIRA):
        assert service(kind, {"key": secret}).apikey == secret
    made = service(ChannelKind.SNS, {**GOOD[ChannelKind.SNS], "secret_access_key": secret})
    assert made.aws_secret_access_key == secret


def test_a_new_kind_of_workflow_is_understood():
    url = ("https://default1a2b.c3.environment.api.powerplatform.com:443/powerautomate/automations/direct/cu/21/"
           "workflows/643e69f83c8944438d68119179a10a64/triggers/manual/paths/invoke?api-version=1&sp=%2Ft&sv=1.0&"
           "sig=abc-DEF_123")
    made = service(ChannelKind.TEAMS, {"url": url})
    assert (made.power_automate, made.routing_id, made.signature, made.api_version) == (True, "21", "abc-DEF_123", "1")


@pytest.mark.parametrize("host", [
    "x.powerplatform.evil.example", "x.powerplatform.com.evil.example", "x.appsplatform.evil", "x.logic.azure.evil",
    "x.api.powerplatform.microsoft.us.evil"])
def test_a_host_that_only_looks_like_one_of_a_vendor_is_none(host):
    """Apprise asks whatever address its name has, also one of this network."""
    url = f"https://{host}/workflows/643e69f83c8944438d68119179a10a64/triggers/manual/paths/invoke?sig=abc"
    assert vendor_parts(ChannelKind.TEAMS, url) is None


@pytest.mark.parametrize("host", [
    "prod-1.logic.azure.us", "prod-1.logic.azure.cn", "a.b.environment.api.gov.powerplatform.microsoft.us",
    "a.environment.api.appsplatform.us", "a.environment.api.powerplatform.partner.microsoftonline.cn"])
def test_other_clouds_of_a_vendor_are_known(host):
    url = f"https://{host}/workflows/643e69f83c8944438d68119179a10a64/triggers/manual/paths/invoke?sig=abc"
    assert vendor_parts(ChannelKind.TEAMS, url)["host"] == host


def test_a_pager_opens_an_incident_and_its_end_resolves_it(asked):
    to = Recipient("pager", ChannelKind.PAGERDUTY, GOOD[ChannelKind.PAGERDUTY])
    assert chats.send(to, MESSAGE).succeeded
    assert chats.send(to, ENDED).succeeded
    bodies = [json.loads(body_of(request)) for request in asked]
    assert [(body["event_action"], body["dedup_key"]) for body in bodies] == [
        ("trigger", "pairwise-alarm-7"), ("resolve", "pairwise-alarm-7")]
    assert [request.url for request in asked] == ["https://events.eu.pagerduty.com/v2/enqueue"] * 2
    assert bodies[0]["routing_key"] == GOOD[ChannelKind.PAGERDUTY]["key"]


HOSTS = {
    ChannelKind.TEAMS: "prod-12.westeurope.logic.azure.com", ChannelKind.SLACK: "hooks.slack.com",
    ChannelKind.WEBEX: "api.ciscospark.com", ChannelKind.GOOGLE_CHAT: "chat.googleapis.com",
    ChannelKind.PAGERDUTY: "events.eu.pagerduty.com", ChannelKind.OPSGENIE: "api.opsgenie.com",
    ChannelKind.JIRA: "api.atlassian.com", ChannelKind.SNS: "sns.eu-central-1.amazonaws.com",
}


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("status", [200, 307])
def test_each_service_is_asked_where_it_is_and_nowhere_else(kind, status, asked, monkeypatch):
    asked.status = status
    chats.send(Recipient("chat", kind, GOOD[kind]), MESSAGE)
    assert {urlsplit(request.url).hostname for request in asked} == {HOSTS[kind]}
    assert {urlsplit(request.url).scheme for request in asked} == {"https"}


@pytest.mark.parametrize("kind", [ChannelKind.TEAMS, ChannelKind.SLACK, ChannelKind.WEBEX, ChannelKind.GOOGLE_CHAT])
def test_what_a_program_has_logged_calls_nobody(kind, asked):
    chats.send(Recipient("chat", kind, GOOD[kind]), MESSAGE)
    [request] = asked
    said = json.dumps(json.loads(body_of(request)), ensure_ascii=False)
    assert "It broke" in said
    assert "@all" not in said


def test_what_a_service_refuses_is_an_answer_and_not_in_the_log(asked, capfd):
    asked.status = 403
    answer = chats.send(Recipient("chat", ChannelKind.SLACK, GOOD[ChannelKind.SLACK]), MESSAGE)
    assert not answer.succeeded
    assert "403" in answer.said
    assert capfd.readouterr() == ("", "")


def test_an_address_that_is_no_longer_the_vendors_is_not_asked(asked):
    answer = chats.send(Recipient("chat", ChannelKind.SLACK, {"url": "https://example.com/"}), MESSAGE)
    assert (answer.succeeded, asked) == (False, [])
    assert "is no address of Slack" in answer.said


def test_who_asks_writes_no_address_into_the_log():
    """That of a chat is all that is needed to write there."""
    log = logging.getLogger("urllib3.connectionpool")
    assert not log.isEnabledFor(logging.WARNING)
