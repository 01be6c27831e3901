"""Channels: create, change, delete, test."""

from django.db import IntegrityError, transaction

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Conflict, Difference, Refusal, Refused
from provisioning.history import history
from provisioning.models import Channel, Delivery
from provisioning.models.applications import MASK
from provisioning.notifications.rules.drafts import ChannelDraft
from provisioning.notifications.rules.kinds import fields_of, listed
from provisioning.notifications.rules.refusals import CHANNEL_LABELS, channel_refusals
from provisioning.notifications.selectors.allowed import allowed_addresses
from provisioning.notifications.selectors.notifications import CHANNELS, DELIVERIES, RULES, get_channel
from provisioning.notifications.worker.trial import tried


def create_channel(*, actor: Actor, draft: ChannelDraft) -> Channel:
    """Raises Refused."""
    actor.require(permissions.NOTIFY)
    with history.atomic():
        row = _saved(Channel(changed_by=actor.name[:150]), draft)
        history.record(actor=actor, row=row, before=None, after=history.snapshot(row))
        changes.tell(CHANNELS)
    return row


def update_channel(*, actor: Actor, channel_id: int, draft: ChannelDraft, revision: int | None = None,
                   reason: str = "") -> Channel:
    """``revision``: that of the row that the sender has seen, None where nobody looked. Raises Refused, Conflict,
    NotFound."""
    actor.require(permissions.NOTIFY)
    with history.atomic():
        row = _locked(channel_id)
        if revision is not None and revision != row.revision:
            raise _conflict(row, draft)
        before, secrets = history.snapshot(row), row.secret_fields
        row.changed_by, row.revision = actor.name[:150], row.revision + 1
        row = _saved(row, draft)
        now = row.secret_fields
        new = [field.label for field in fields_of(row.kind) if now.get(field.name) not in (
            None, secrets.get(field.name))]
        history.record(actor=actor, row=row, before=before, after=history.snapshot(row), reason=reason,
                       new_secrets=new)
        changes.tell(CHANNELS, RULES)
    return row


def delete_channel(*, actor: Actor, channel_id: int, reason: str = "") -> None:
    """What was sent through it stays. Raises Refused, NotFound."""
    actor.require(permissions.NOTIFY)
    with history.atomic():
        row = _locked(channel_id)
        if why := why_not_delete(row):
            raise Refused(why)
        history.record(actor=actor, row=row, before=history.snapshot(row), after=None, reason=reason)
        row.delete()
        changes.tell(CHANNELS, RULES, DELIVERIES)


def why_not_delete(row: Channel) -> str:
    """A sentence, "" when it can be deleted."""
    names = [rule.name for rule in row.rules.prefetch_related("channels") if len(rule.channels.all()) == 1]
    if not names:
        return ""
    which = f"rule {names[0]} has" if len(names) == 1 else f"rules {', '.join(names)} have"
    return f"The notification {which} no other channel than {row.name}. Give another one, or delete the rule, first."


def draft_of(row: Channel) -> ChannelDraft:
    """What is stored, as somebody would type it; secrets as MASK."""
    return ChannelDraft(name=row.name, kind=row.kind, description=row.description, enabled=row.enabled,
                        fields=row.shown_fields())


def test_channel(*, actor: Actor, channel_id: int) -> Delivery:
    """Send a message now, once, also through a channel that is disabled; what came of it. Raises NotFound."""
    actor.require(permissions.NOTIFY)
    row = get_channel(channel_id)
    delivery, attempt = tried(row, actor.name)
    with history.atomic():
        # Meanwhile it may have been deleted.
        delivery.channel = Channel.objects.filter(pk=row.pk).first()
        delivery.save()
        attempt.delivery = delivery
        attempt.save()
        came = "It was taken." if attempt.succeeded else f"It was not taken: {attempt.answer}"
        history.record_verb(actor=actor, row=row, reason=f"Tested. {came}")
        changes.tell(DELIVERIES)
    return delivery


def _locked(channel_id: int) -> Channel:
    get_channel(channel_id)
    return Channel.objects.select_for_update().get(pk=channel_id)


def _saved(row: Channel, draft: ChannelDraft) -> Channel:
    others = set(Channel.objects.exclude(pk=row.pk).values_list("name", flat=True))
    kept = row.secret_fields if row.pk and row.kind == draft.kind else {}
    if found := channel_refusals(draft, others, allowed=allowed_addresses(), kept=kept):
        raise Refused(*found)
    settings, secrets = {}, {}
    for field in fields_of(draft.kind):
        text = draft.fields.get(field.name, "").strip()
        text = ", ".join(listed(text)) if field.many else kept[field.name] if field.secret and text == MASK else text
        if text:
            (secrets if field.secret else settings)[field.name] = text
    row.name, row.description, row.kind, row.enabled = draft.name, draft.description, draft.kind, draft.enabled
    row.set_fields(settings, secrets)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Refused(Refusal(f"A channel named {draft.name} exists already.", "name")) from None
    return row


def _conflict(row: Channel, draft: ChannelDraft) -> Conflict:
    stored = draft_of(row)
    differences = [Difference(name, label, _shown(getattr(stored, name)), _shown(getattr(draft, name)))
                   for name, label in CHANNEL_LABELS.items() if getattr(stored, name) != getattr(draft, name)]
    for field in fields_of(draft.kind):
        theirs, yours = stored.fields.get(field.name, ""), draft.fields.get(field.name, "")
        if theirs != yours:
            differences.append(Difference(field.name, field.label, theirs, MASK if field.secret and yours else yours))
    return Conflict(f"{row.changed_by or 'Somebody else'} saved this channel while you were changing it. Compare, then "
                    "keep yours or take theirs.", revision=row.revision, saved_by=row.changed_by,
                    saved_at=row.changed_at, differences=tuple(differences))


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
