"""Channels, notification rules and deliveries: what is kept of them, what History has of it, and what is refused."""

from dataclasses import replace

import pytest
from django.db import connection

from provisioning.errors import Conflict, NotAllowed, NotFound, Refused
from provisioning.models import Channel, Delivery, HistoryEntry, NotificationRule
from provisioning.models.applications import MASK
from provisioning.notifications.rules.drafts import ChannelDraft, RuleDraft
from provisioning.notifications.selectors.notifications import (
    channel_list,
    delivery_list,
    get_channel,
    get_delivery,
    rule_list,
)
from provisioning.notifications.services import channels, deliveries, rules
from provisioning.states import DeliveryState, Told
from tests import commands, factories

from .receivers import WebReceiver, answering

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
ADA = factories.ADMINISTRATOR
SECRET = "planted-signing-secret"
HOOK = ChannelDraft(name="hook", kind="webhook", fields={"url": " https://192.0.2.80/hook ", "secret": SECRET})
NIGHT = RuleDraft(name="night", channels=("hook",), hosts=("h1", " h* ", "h1"), quiet_hours="22:00-06:00",
                  time_zone="Europe/Berlin")


@pytest.fixture
def hook():
    return channels.create_channel(actor=ADA, draft=HOOK)


@pytest.fixture
def night(hook):
    return rules.create_rule(actor=ADA, draft=NIGHT)


def entries():
    return [(row.action, row.object_type, row.object_name) for row in HistoryEntry.objects.order_by("number")]


def newest_entry():
    return HistoryEntry.objects.order_by("number").last()


def everything_kept():
    """All that the database has, in the plain."""
    with connection.cursor() as cursor:
        texts = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            texts += [str(row) for row in cursor.fetchall()]
    return "\n".join(texts)


@pytest.mark.parametrize("fields", [{"url": "ftp://192.0.2.80/"}, {}, {"url": "https://192.0.2.80/", "former": "x"}])
def test_a_channel_can_be_disabled_whatever_is_stored_and_is_enabled_when_it_is_right(fields):
    row = factories.make_channel(fields=fields)
    draft = channels.draft_of(row)
    with pytest.raises(Refused):
        channels.update_channel(actor=ADA, channel_id=row.pk, draft=replace(draft, description="New"))
    channels.update_channel(actor=ADA, channel_id=row.pk, draft=replace(draft, enabled=False))
    row.refresh_from_db()
    assert not row.enabled
    with pytest.raises(Refused):
        channels.update_channel(actor=ADA, channel_id=row.pk, draft=replace(draft, enabled=True))


def test_what_is_typed_anew_is_judged_of_a_disabled_channel_too(hook):
    stored = replace(channels.draft_of(hook), enabled=False)
    for typed, why in (({"name": ""}, "needs a Name"), ({"fields": {"url": "ftp://192.0.2.80/"}}, "URL of http"),
                       ({"kind": "slack"}, "Webhook URL")):
        with pytest.raises(Refused, match=why):
            channels.update_channel(actor=ADA, channel_id=hook.pk, draft=replace(stored, **typed))


def test_a_channel_is_kept_with_its_secrets_encrypted_and_masked(hook):
    row = Channel.objects.get()
    assert (row.settings, row.secret_fields) == ({"url": "https://192.0.2.80/hook"}, {"secret": SECRET})
    assert channels.draft_of(row) == replace(HOOK, fields={"url": "https://192.0.2.80/hook", "secret": MASK})
    [entry] = HistoryEntry.objects.all()
    assert (entry.after["url"], entry.after["secret"], entry.after["kind"]) == (
        "https://192.0.2.80/hook", MASK, "webhook")
    assert SECRET not in everything_kept()


def test_what_is_saved_as_it_is_shown_stays_what_it_was(hook):
    saved = channels.update_channel(actor=ADA, channel_id=hook.pk, draft=channels.draft_of(hook))
    assert (saved.secret_fields, saved.revision) == ({"secret": SECRET}, 2)
    assert len(entries()) == 1
    again = channels.update_channel(actor=ADA, channel_id=hook.pk, draft=replace(
        HOOK, fields={**HOOK.fields, "secret": "another-secret"}))
    assert again.secret_fields == {"secret": "another-secret"}
    assert newest_entry().reason == "New value for Secret."
    without = channels.update_channel(actor=ADA, channel_id=hook.pk, draft=replace(
        HOOK, fields={"url": "https://192.0.2.80/hook"}))
    assert Channel.objects.get(pk=without.pk).secret_fields == {}


def test_a_secret_is_not_taken_over_into_another_kind(hook):
    with pytest.raises(Refused, match="is not known here"):
        channels.update_channel(actor=ADA, channel_id=hook.pk, draft=ChannelDraft(
            name="hook", kind="slack", fields={"url": MASK}))


def test_what_is_wrong_is_refused_and_nothing_is_kept(hook, night):
    with pytest.raises(Refused) as wrong:
        channels.create_channel(actor=ADA, draft=replace(HOOK, fields={"url": "http://127.0.0.1/"}))
    assert {refusal.field for refusal in wrong.value.refusals} == {"name", "url"}
    with pytest.raises(Refused) as wrong:
        rules.create_rule(actor=ADA, draft=replace(NIGHT, channels=("gone",)))
    assert {refusal.field for refusal in wrong.value.refusals} == {"name", "channels"}
    assert (Channel.objects.count(), NotificationRule.objects.count()) == (1, 1)


def test_somebody_elses_change_is_not_overwritten(hook, night):
    channels.update_channel(actor=ADA, channel_id=hook.pk, draft=replace(HOOK, description="Of the shift."))
    with pytest.raises(Conflict) as conflict:
        channels.update_channel(actor=ADA, channel_id=hook.pk, draft=HOOK, revision=1)
    assert {each.label: (each.theirs, each.yours) for each in conflict.value.differences} == {
        "Description": ("Of the shift.", ""), "URL": ("https://192.0.2.80/hook", " https://192.0.2.80/hook "),
        "Secret": (MASK, MASK)}
    assert SECRET not in repr(conflict.value.differences)
    rules.update_rule(actor=ADA, rule_id=night.pk, draft=replace(NIGHT, wait_s=5))
    with pytest.raises(Conflict) as conflict:
        rules.update_rule(actor=ADA, rule_id=night.pk, draft=replace(NIGHT, hosts=("h*", "h1")), revision=1)
    assert [(each.label, each.theirs, each.yours) for each in conflict.value.differences] == [("Wait", "5", "0")]


def test_a_rule_is_kept_as_it_was_written(night):
    row = NotificationRule.objects.get()
    assert rules.draft_of(row) == replace(NIGHT, hosts=("h1", "h*"))
    assert entries()[-1] == ("created", "notification_rule", "night")
    assert newest_entry().after["channels"] == "hook"
    row.notices.create(alarm=factories.make_alarm())
    rules.update_rule(actor=ADA, rule_id=row.pk, draft=replace(NIGHT, enabled=False), reason="Holidays.")
    assert row.notices.get().over
    assert (newest_entry().before["enabled"], newest_entry().reason) == (True, "Holidays.")
    rules.delete_rule(actor=ADA, rule_id=row.pk)
    assert [action for action, kind, _ in entries() if kind == "notification_rule"] == ["created", "changed", "deleted"]


def test_a_channel_that_is_the_only_one_of_a_rule_is_not_deleted(hook, night):
    with pytest.raises(Refused, match="The notification rule night has no other channel than hook"):
        channels.delete_channel(actor=ADA, channel_id=hook.pk)
    night.channels.add(factories.make_channel("other"))
    sent = factories.make_delivery(hook)
    channels.delete_channel(actor=ADA, channel_id=hook.pk)
    sent.refresh_from_db()
    assert (sent.channel, sent.channel_name, Channel.objects.count()) == (None, "hook", 1)


@pytest.mark.parametrize("actor", [factories.OPERATOR, factories.SUPPORT])
def test_only_who_may_does(actor, hook, night):
    sent = factories.make_delivery(hook, state=DeliveryState.SENT)
    for verb in (
            lambda: channels.create_channel(actor=actor, draft=HOOK),
            lambda: channels.update_channel(actor=actor, channel_id=hook.pk, draft=HOOK),
            lambda: channels.delete_channel(actor=actor, channel_id=hook.pk),
            lambda: channels.test_channel(actor=actor, channel_id=hook.pk),
            lambda: rules.create_rule(actor=actor, draft=NIGHT),
            lambda: rules.update_rule(actor=actor, rule_id=night.pk, draft=NIGHT),
            lambda: rules.delete_rule(actor=actor, rule_id=night.pk),
            lambda: deliveries.resend(actor=actor, delivery_id=sent.pk)):
        with pytest.raises(NotAllowed):
            verb()


def test_what_is_gone_is_not_found():
    for verb in (lambda: channels.test_channel(actor=ADA, channel_id=9),
                 lambda: rules.delete_rule(actor=ADA, rule_id=9),
                 lambda: deliveries.resend(actor=ADA, delivery_id=9)):
        with pytest.raises(NotFound):
            verb()


# --- tests and deliveries


def test_a_test_goes_out_now_and_once(settings):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = True
    with WebReceiver(answering(500, SECRET.encode())) as receiver:
        row = factories.make_channel(fields={"url": receiver.url, "secret": SECRET}, enabled=False)
        delivery = channels.test_channel(actor=ADA, channel_id=row.pk)
    assert len(receiver.got) == 1
    stored = get_delivery(delivery.pk)
    assert (stored.state, stored.told, stored.due_at, stored.attempts) == (DeliveryState.FAILED, Told.TEST, None, 1)
    assert [(tried.status, tried.answer) for tried in stored.tries.all()] == [(500, MASK)]
    assert newest_entry().reason == f"Tested. It was not taken: {MASK}"
    assert SECRET not in everything_kept()


def test_a_delivery_is_sent_again_as_one_of_its_own(hook):
    old = factories.make_delivery(hook)
    with pytest.raises(Refused, match="still tried"):
        deliveries.resend(actor=ADA, delivery_id=old.pk)
    Delivery.objects.update(state=DeliveryState.FAILED, due_at=None)
    new = deliveries.resend(actor=ADA, delivery_id=old.pk)
    assert new.message_id != old.message_id
    assert (new.state, new.payload, new.subject, new.attempts) == (DeliveryState.WAITING, old.payload, old.subject, 0)
    assert new.due_at is not None
    channels.update_channel(actor=ADA, channel_id=hook.pk, draft=replace(HOOK, enabled=False))
    with pytest.raises(Refused, match="hook is disabled"):
        deliveries.resend(actor=ADA, delivery_id=old.pk)
    hook.delete()
    with pytest.raises(Refused, match="hook was deleted"):
        deliveries.resend(actor=ADA, delivery_id=old.pk)


def test_lists_are_filtered(hook, night):
    factories.make_channel("mail", kind="mail", fields={"to": "a@b.example"}, enabled=False, description="Hooked")
    factories.make_delivery(hook, state=DeliveryState.SENT, text="Killed by signal 9.", rule_name="night")
    factories.make_delivery(hook)
    assert [row.name for row in channel_list(text="hook")] == ["hook", "mail"]
    assert [row.name for row in channel_list(kind="mail", state="disabled")] == ["mail"]
    assert get_channel(hook.pk).name == "hook"
    assert channel_list().get(name="hook").rule_count == 1
    assert [row.name for row in rule_list(text="NIG", channel="oo", state="enabled")] == ["night"]
    assert rule_list(channel="mail").count() == 0
    assert delivery_list().count() == 2
    for fields in ({"state": "sent"}, {"rule": "nig"}, {"text": "signal"}):
        assert delivery_list(channel="hook", told="raised", **fields).count() == 1


# --- the command


def test_the_command_says_what_came_back(settings):
    settings.PAIRWISE_WEBHOOK_LOOPBACK = True
    with WebReceiver(answering(200, b"Thanks."), answering(403, b"Who are you?")) as receiver:
        factories.make_channel(fields={"url": receiver.url})
        taken, refused = (commands.run("notify", "hook") for _ in range(2))
    code, out, _ = taken
    assert code == 0
    assert "Test of hook: Test of the channel hook (msg_" in out
    assert "status 200. Thanks." in out
    code, out, err = refused
    assert (code, out) == (1, "")
    assert "Not taken" in err
    assert "status 403. Who are you?" in err
    code, _, err = commands.run("notify", "pigeon")
    assert (code, "There is no channel named pigeon" in err) == (2, True)
