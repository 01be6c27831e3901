"""What a channel and a notification rule may not say, and how that is said."""

from dataclasses import replace

import pytest

from provisioning.models.applications import MASK
from provisioning.notifications.rules.addresses import Allowed
from provisioning.notifications.rules.drafts import ChannelDraft, RuleDraft
from provisioning.notifications.rules.kinds import KINDS
from provisioning.notifications.rules.refusals import channel_refusals, rule_refusals
from provisioning.states import ChannelKind

TEAMS = ("https://prod-12.westeurope.logic.azure.com:443/workflows/643e69f83c8944438d68119179a10a64/triggers/manual/"
         "paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=BGr5FMXXnGd5RBLnZCcm0-aBcDeFgHiJ")
GOOD = {
    ChannelKind.MAIL: {"to": "ops@example.com, night.shift@example.com"},
    ChannelKind.WEBHOOK: {"url": "https://hooks.example.com/a?b=c", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI"},
    ChannelKind.TEAMS: {"url": TEAMS},
    ChannelKind.SLACK: {"url": "https://hooks.slack.com/services/T12345678/B12345678/abcdefghijABCDEFGHIJ1234"},
    ChannelKind.MATTERMOST: {"url": "https://chat.example.com/hooks/3ccrh3ajtigyzkcyzcbmrmmmbc"},
    ChannelKind.WEBEX: {"url": "https://webexapis.com/v1/webhooks/incoming/Y2lzY29zcGFyazovL3VzL1dFQkhPT0svZjRlNj"
                               "A1NjAtNjYwMi00ZmIwLWEyNWEtOTQ5ODgxNjA5NDk3"},
    ChannelKind.GOOGLE_CHAT: {"url": "https://chat.googleapis.com/v1/spaces/AAAAk6lGXyM/messages?key=AIzaSyDdI0hCZt"
                                     "E6vySjMm-WEfRq3CPzqKqqsHI&token=O7b1nyri_waOpLMSzbFILAGRzgtQofPW71fEEXKcyFk%3D"},
    ChannelKind.PAGERDUTY: {"key": "d0a5b6c7e8f94a1b8c2d3e4f5a6b7c8d", "region": "eu"},
    ChannelKind.OPSGENIE: {"key": "eb243592-faa2-4ba2-a551q-1afdf565c889", "responders": "#ops, @ada"},
    ChannelKind.JIRA: {"key": "eb243592-faa2-4ba2-a551q-1afdf565c889"},
    ChannelKind.SNS: {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCY",
                      "region": "eu-central-1", "topics": "alarms"},
    ChannelKind.COMMAND: {"command": "/usr/local/bin/tell 'the shift'"},
}


def said(kind, allowed=None, **fields):
    """{field: sentence} of a channel whose fields are good but for these; None leaves one out."""
    fields = {name: text for name, text in {**GOOD[kind], **fields}.items() if text is not None}
    found = channel_refusals(ChannelDraft(name="night", kind=kind, fields=fields), (), allowed=allowed or Allowed())
    return {refusal.field: refusal.message for refusal in found}


@pytest.mark.parametrize("kind", ChannelKind)
def test_a_good_channel_of_each_kind_is_taken_and_what_it_needs_is_asked_for(kind):
    assert said(kind) == {}
    for field in KINDS[kind]:
        for nothing in (None, "", "  ", *([" , ,"] if field.many else [])):
            found = said(kind, **{field.name: nothing})
            assert found == ({field.name: f"{field.label} is required."} if field.required else {})


@pytest.mark.parametrize(("kind", "field", "text", "words"), [
    (ChannelKind.MAIL, "to", "ops@example.com, ops", "holds ops, which is no e-mail address"),
    (ChannelKind.MAIL, "to", "a@b.example\nBcc: c@d.example", "line break"),
    (ChannelKind.WEBHOOK, "url", "ftp://example.com/", "is no URL of http or https"),
    (ChannelKind.WEBHOOK, "url", "https://", "is no URL of http or https"),
    (ChannelKind.WEBHOOK, "url", "https://example.com:99999/", "is no URL"),
    (ChannelKind.WEBHOOK, "url", "https://[1::2::3]/", "is no URL"),
    (ChannelKind.WEBHOOK, "url", "https://ada:pw@example.com/", "holds a user or password"),
    (ChannelKind.WEBHOOK, "url", "https://example.com/a b", "holds a blank"),
    (ChannelKind.WEBHOOK, "url", "http://example.com/", "PAIRWISE_WEBHOOK_HTTP=1"),
    (ChannelKind.WEBHOOK, "url", "http://10.1.2.3/", "PAIRWISE_WEBHOOK_HTTP=1"),
    (ChannelKind.WEBHOOK, "url", "https://127.8.9.1/", "PAIRWISE_WEBHOOK_LOOPBACK=1"),
    (ChannelKind.WEBHOOK, "url", "https://localhost:1/", "PAIRWISE_WEBHOOK_LOOPBACK=1"),
    (ChannelKind.WEBHOOK, "url", "https://[::1]/", "PAIRWISE_WEBHOOK_LOOPBACK=1"),
    (ChannelKind.WEBHOOK, "url", "https://[::ffff:127.0.0.1]/", "PAIRWISE_WEBHOOK_LOOPBACK=1"),
    (ChannelKind.WEBHOOK, "url", "https://169.254.169.254/latest", "link-local"),
    (ChannelKind.WEBHOOK, "url", "https://[::ffff:169.254.1.1]/", "link-local"),
    (ChannelKind.WEBHOOK, "url", "https://[64:ff9b::a9fe:a9fe]/", "link-local"),
    (ChannelKind.WEBHOOK, "url", "https://[fe80::1]/", "link-local"),
    (ChannelKind.WEBHOOK, "url", "https://[fd00:ec2::254]/", "metadata of a cloud"),
    (ChannelKind.WEBHOOK, "url", "https://224.0.0.1/", "multicast"),
    (ChannelKind.WEBHOOK, "url", "https://[ff02::1]/", "multicast"),
    (ChannelKind.WEBHOOK, "url", "https://0.0.0.0/", "unspecified"),
    (ChannelKind.WEBHOOK, "url", "https://[::]/", "unspecified"),
    (ChannelKind.WEBHOOK, "url", "https://255.255.255.255/", "broadcast"),
    (ChannelKind.WEBHOOK, "secret", "whsec_!!!", "is no base64"),
    (ChannelKind.MATTERMOST, "url", "https://169.254.1.1/hooks/x", "link-local"),
    (ChannelKind.TEAMS, "url", "https://example.com/workflows/1/triggers/manual/paths/invoke?sig=1", "no address"),
    (ChannelKind.SLACK, "url", "https://hooks.slack.com.example.com/services/T1/B1/x", "is no address of Slack"),
    (ChannelKind.SLACK, "url", "http://hooks.slack.com/services/T1/B1/x", "is no address of Slack"),
    (ChannelKind.WEBEX, "url", "https://webexapis.com/v1/webhooks/incoming/a/b", "is no address of Webex"),
    (ChannelKind.GOOGLE_CHAT, "url", "https://chat.googleapis.com/v1/spaces/A/messages", "is no address of Goog"),
    (ChannelKind.GOOGLE_CHAT, "url", "https://chat.googleapis.com/v1/spaces/A/messages?key=b", "is no address of G"),
    (ChannelKind.TEAMS, "url", TEAMS.replace("sig=", "x="), "is no address of Microsoft Teams"),
    (ChannelKind.PAGERDUTY, "key", "a key", "is no key"),
    (ChannelKind.PAGERDUTY, "region", "de", "neither us nor eu"),
    (ChannelKind.OPSGENIE, "responders", "ops", "Write #team"),
    (ChannelKind.OPSGENIE, "responders", "#ops/../x", "Write #team"),
    (ChannelKind.SNS, "region", "europe", "no region of AWS"),
    (ChannelKind.SNS, "topics", "arn:aws:sns:eu:1:alarms", "Write its name, not its ARN"),
    (ChannelKind.COMMAND, "command", "tell me", "whole path"),
    (ChannelKind.COMMAND, "command", "/bin/tell 'me", "quote that is not closed"),
    (ChannelKind.COMMAND, "command", "/bin/" + "x" * 3000, "2000 fit"),
])
def test_what_is_wrong_in_a_field_is_said_there(kind, field, text, words):
    found = said(kind, **{field: text})
    assert list(found) == [field]
    assert words in found[field]


@pytest.mark.parametrize("url", ["https://10.1.2.3/", "https://192.168.1.9:8443/x", "https://[fd00::7]/",
                                 "https://receiver.internal/"])
def test_private_networks_are_asked(url):
    assert said(ChannelKind.WEBHOOK, url=url) == {}


def test_what_the_settings_allow_besides_is_taken():
    both = Allowed(loopback=True, http=True)
    assert said(ChannelKind.WEBHOOK, Allowed(loopback=True), url="http://127.0.0.1:8080/") == {}
    assert said(ChannelKind.WEBHOOK, both, url="http://example.com/") == {}
    for url in ("http://169.254.169.254/", "https://[fe80::1]/", "https://0.0.0.0/"):
        assert "is no address that a message may go to" in said(ChannelKind.WEBHOOK, both, url=url)["url"]


def test_names_kinds_and_fields_of_a_channel():
    draft = ChannelDraft(name="night", kind="mail", fields=GOOD[ChannelKind.MAIL])
    [taken] = channel_refusals(draft, {"night"})
    [unnamed] = channel_refusals(replace(draft, name=" "), ())
    [kind] = channel_refusals(replace(draft, kind="pigeon"), ())
    [field] = channel_refusals(replace(draft, fields={**draft.fields, "cc": "x"}), ())
    assert [each.field for each in (taken, unnamed, kind, field)] == ["name", "name", "kind", "cc"]
    assert "There is no kind of channel pigeon: it is one of mail, webhook" in kind.message


def test_a_mask_stands_only_for_what_was_kept():
    draft = ChannelDraft(name="hook", kind="webhook", fields={**GOOD[ChannelKind.WEBHOOK], "secret": MASK})
    assert channel_refusals(draft, (), kept={"secret"}) == []
    [refusal] = channel_refusals(draft, ())
    assert refusal.field == "secret"


# --- rules


RULE = RuleDraft(name="night", channels=("mail",))


@pytest.mark.parametrize(("fields", "field", "words"), [
    ({"name": ""}, "name", "needs a Name"),
    ({"name": "day"}, "name", "exists already"),
    ({"channels": ()}, "channels", "Choose at least one channel"),
    ({"channels": ("mail", "gone")}, "channels", "There is no channel gone"),
    ({"categories": ("grave",)}, "categories", "grave is no category"),
    ({"conditions": ("",)}, "conditions", "holds what is no name"),
    ({"applications": ("a\nb",)}, "applications", "holds what is no name"),
    ({"hosts": ("h",) * 201}, "hosts", "200 fit"),
    ({"pairs": ("x" * 256,)}, "pairs", "holds what is no name"),
    ({"quiet_hours": "22-6", "time_zone": "UTC"}, "quiet_hours", "as 22:00-06:00"),
    ({"quiet_hours": "22:00-06:00"}, "time_zone", "need a Time Zone"),
    ({"time_zone": "Europe/Bielefeld"}, "time_zone", "There is no time zone"),
    ({"wait_s": 86401}, "wait_s", "between 0 and 86400 seconds"),
    ({"repeat_h": -1}, "repeat_h", "between 0 and 168 hours"),
    ({"group_s": 3601}, "group_s", "between 0 and 3600 seconds"),
    ({"limit_per_hour": 0}, "limit_per_hour", "between 1 and 1000"),
])
def test_what_is_wrong_in_a_rule_is_said_at_its_field(fields, field, words):
    [refusal] = rule_refusals(replace(RULE, **fields), {"day"}, {"mail"})
    assert refusal.field == field
    assert words in refusal.message


def test_a_good_rule_is_taken():
    assert rule_refusals(replace(RULE, quiet_hours="22:00-06:00", time_zone="Europe/Berlin", hosts=("h*",),
                                 categories=("critical",)), {"day"}, {"mail"}) == []
