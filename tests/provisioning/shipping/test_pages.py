"""The pages of audit targets: what they show, what they never show, and their test."""

import json
from dataclasses import replace
from html import unescape

import pytest
from django.urls import reverse

from provisioning.errors import Conflict, NotAllowed, Refused
from provisioning.models import AuditTarget, HistoryEntry, Shipment
from provisioning.models.applications import MASK
from provisioning.shipping.rules.drafts import TargetDraft
from provisioning.shipping.services import targets
from tests import factories
from tests.html import flat
from tests.provisioning.notifications.receivers import WebReceiver, answering

from .collectors import Collector

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
TOKEN = "s3cret-of-a-collector"
HEC = TargetDraft(name="siem", address="https://192.0.2.80/event", token=TOKEN)


@pytest.fixture
def admin(client):
    client.force_login(factories.make_user("ada", roles=("Administrator",)))
    return client


def text_of(answer):
    return unescape(flat(answer))


def made(draft=HEC):
    return targets.create_target(actor=factories.ADMINISTRATOR, draft=draft)


def test_a_target_is_created_by_its_form_and_gets_history_from_its_beginning(admin):
    answer = admin.post(reverse("shipping-new"), {
        "name": "siem", "address": "syslog+tls://siem.example.com", "format": "cef", "enabled": "on"})
    assert answer.status_code == 302
    row = AuditTarget.objects.get()
    assert (row.address, row.format, row.shipment.number) == ("syslog+tls://siem.example.com", "cef", 0)
    page = text_of(admin.get(reverse("shipping-list")))
    assert "siem.example.com" in page
    assert "none yet" in page


def test_what_is_wrong_stands_at_its_field(admin):
    answer = admin.post(reverse("shipping-new"), {
        "name": "siem", "address": "syslog+tcp://192.0.2.1", "format": "rfc5424", "secret_token": "s3cret"})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"secret_token"}


def test_secrets_are_shown_nowhere(admin):
    row = made()
    pages = [reverse(name, args=args) for name, args in (
        ("shipping-list", ()), ("shipping-edit", [row.pk]), ("history", ()), ("shipping-test", [row.pk]))]
    assert [address for address in pages if TOKEN in admin.get(address).content.decode()] == []
    assert TOKEN not in json.dumps(list(HistoryEntry.objects.values("before", "after", "reason")))
    assert HistoryEntry.objects.get().after["token"] == MASK


def test_what_is_masked_stays_and_a_new_value_is_told_without_it():
    row = made()
    shown = targets.draft_of(row)
    targets.update_target(actor=factories.ADMINISTRATOR, target_id=row.pk, draft=replace(shown, description="Ours."))
    assert AuditTarget.objects.get().token == TOKEN
    targets.update_target(actor=factories.ADMINISTRATOR, target_id=row.pk, draft=replace(shown, token="another-one"))
    assert AuditTarget.objects.get().token == "another-one"
    assert "New value for Token." in HistoryEntry.objects.order_by("-number")[0].reason


def test_a_token_does_not_go_along_to_another_receiver():
    row = made()
    draft = replace(targets.draft_of(row), address="https://192.0.2.81/event")
    with pytest.raises(Refused, match="Type it"):
        targets.update_target(actor=factories.ADMINISTRATOR, target_id=row.pk, draft=draft)
    targets.update_target(actor=factories.ADMINISTRATOR, target_id=row.pk,
                          draft=replace(draft, address="https://192.0.2.80/other"))
    assert AuditTarget.objects.get().token == TOKEN


def test_a_save_neither_moves_how_far_it_got_nor_another_save(admin):
    row = made()
    Shipment.objects.update(number=7)
    draft = targets.draft_of(row)
    targets.update_target(actor=factories.ADMINISTRATOR, target_id=row.pk, draft=draft, revision=1)
    assert Shipment.objects.get().number == 7
    with pytest.raises(Conflict):
        targets.update_target(actor=factories.ADMINISTRATOR, target_id=row.pk, draft=draft, revision=1)


def test_a_test_shows_what_was_sent_and_what_came_back(admin, settings):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = True
    with Collector() as collector:
        row = made(TargetDraft(name="siem", address=collector.address, enabled=False))
        page = text_of(admin.post(reverse("shipping-test", args=[row.pk])))
    assert "It was taken." in page
    assert 'number="0"' in page
    assert "It read all of it" in page
    assert collector.numbers == [0]
    assert HistoryEntry.objects.order_by("-number")[0].reason == "Tested. It was taken."


def test_a_test_that_was_not_taken_says_why_without_the_token(admin, settings):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = True
    with WebReceiver(answering(403, f"No {TOKEN}".encode())) as receiver:
        row = made(replace(HEC, address=receiver.url))
        page = text_of(admin.post(reverse("shipping-test", args=[row.pk])))
    assert "It was not taken." in page
    assert "It answered 403: No" in page
    assert TOKEN not in page


def test_what_is_asked_for_again_was_sent_before(admin):
    row = made()
    refused = admin.post(reverse("shipping-again", args=[row.pk]), {"number": "1"})
    assert "is still to come" in text_of(refused)
    Shipment.objects.update(number=1)
    assert admin.post(reverse("shipping-again", args=[row.pk]), {"number": "1", "reason": "Lost."}).status_code == 302
    assert Shipment.objects.get().number == 0
    assert HistoryEntry.objects.order_by("-number")[0].reason == "Entries are sent again from number 1 on. Lost."


def test_an_address_is_shown_as_it_has_to_be_typed_without_what_follows_a_question_mark(admin):
    made(replace(HEC, address="syslog+unix:///dev/log", token=""))
    made(replace(HEC, name="other", address="https://192.0.2.80/event?key=s3cret-part"))
    text = text_of(admin.get(reverse("shipping-list")))
    assert "syslog+unix:///dev/log" in text
    assert "https://192.0.2.80/event" in text
    assert "s3cret-part" not in text


def test_one_with_trouble_says_so_in_the_list(admin):
    made()
    Shipment.objects.update(trouble="siem at port 514 cannot be reached.", tries=3)
    page = text_of(admin.get(reverse("shipping-list")))
    assert "Not taken" in page
    assert "cannot be reached" in page


def test_one_is_disabled_and_deleted(admin):
    row = made()
    admin.post(reverse("shipping-enable", args=[row.pk]), {"enabled": "0"})
    assert not AuditTarget.objects.get().enabled
    admin.post(reverse("shipping-delete", args=[row.pk]), {"reason": "Gone."})
    assert not AuditTarget.objects.exists()
    assert not Shipment.objects.exists()


def test_who_may_not_is_refused():
    with pytest.raises(NotAllowed):
        targets.create_target(actor=factories.OPERATOR, draft=HEC)
