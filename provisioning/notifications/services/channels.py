"""Channels: create, change, delete, test."""

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Difference, Refused
from provisioning.history import history
from provisioning.history.revised import Revised, differing
from provisioning.models import Channel, Delivery
from provisioning.models.applications import MASK
from provisioning.notifications.rules.drafts import ChannelDraft
from provisioning.notifications.rules.kinds import fields_of, listed
from provisioning.notifications.rules.refusals import CHANNEL_LABELS, channel_refusals
from provisioning.notifications.selectors.allowed import allowed_addresses
from provisioning.notifications.selectors.notifications import (
    CHANNELS,
    DELIVERIES,
    RULES,
    WITH_CHANNELS,
    conditions_of,
    get_channel,
)
from provisioning.notifications.worker.trial import tried


def create_channel(*, actor: Actor, draft: ChannelDraft) -> Channel:
    """Raises Refused."""
    return KIND.create(actor=actor, draft=draft)


def update_channel(*, actor: Actor, channel_id: int, draft: ChannelDraft, revision: int | None = None,
                   reason: str = "") -> Channel:
    """As ``Revised.update``."""
    return KIND.update(channel_id, actor=actor, draft=draft, revision=revision, reason=reason)


def delete_channel(*, actor: Actor, channel_id: int, reason: str = "") -> None:
    """What was sent through it stays. Raises Refused, NotFound."""
    KIND.delete(channel_id, actor=actor, reason=reason)


def why_not_delete(row: Channel) -> str:
    """A sentence, "" when it can be deleted."""
    return _why_not_for_conditions(row) or _why_not_for_rules(row)


def _why_not_for_conditions(row: Channel) -> str:
    names = [condition.name for condition in conditions_of(row)]
    if not names:
        return ""
    which = f"Alarm Condition {names[0]} tells" if len(names) == 1 else f"Alarm Conditions {', '.join(names)} tell"
    return (f"The {which} {row.name} as a reaction. Take that out of {'its' if len(names) == 1 else 'their'} reactions "
            "first.")


def _why_not_for_rules(row: Channel) -> str:
    names = [rule.name for rule in row.rules.prefetch_related(WITH_CHANNELS) if len(rule.channels.all()) == 1]
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


def _fill(row: Channel, draft: ChannelDraft, others: set[str]) -> None:
    kept = row.secret_fields if row.pk and row.kind == draft.kind else {}
    found = channel_refusals(draft, others, allowed=allowed_addresses(), kept=kept)
    if row.pk and row.kind == draft.kind and not draft.enabled:
        # Whatever is stored, its channel can be disabled: only what is typed anew is judged.
        typed = {each.field for each in _differences(row, draft)}
        found = [each for each in found if each.field in typed]
    if found:
        raise Refused(*found)
    settings: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for field in fields_of(draft.kind):
        text = draft.fields.get(field.name, "").strip()
        text = ", ".join(listed(text)) if field.many else kept[field.name] if field.secret and text == MASK else text
        if text:
            (secrets if field.secret else settings)[field.name] = text
    row.name, row.description, row.kind, row.enabled = draft.name, draft.description, draft.kind, draft.enabled
    row.set_fields(settings, secrets)


def _leave(row: Channel, actor: Actor) -> None:
    if why := why_not_delete(row):
        raise Refused(why)


def _differences(row: Channel, draft: ChannelDraft) -> list[Difference]:
    stored = draft_of(row)
    found = differing(CHANNEL_LABELS, stored, draft)
    for field in fields_of(draft.kind):
        theirs, yours = stored.fields.get(field.name, ""), draft.fields.get(field.name, "")
        if theirs != yours:
            found.append(Difference(field.name, field.label, theirs, MASK if field.secret and yours else yours))
    return found


def _secrets(row: Channel) -> dict[str, str]:
    stored = row.secret_fields
    return {field.label: stored[field.name] for field in fields_of(row.kind) if field.name in stored}


KIND = Revised(
    model=Channel, noun="channel", permission=permissions.NOTIFY, topics=(CHANNELS, RULES, DELIVERIES),
    get=get_channel, fill=_fill, leave=_leave, differences=_differences, secrets=_secrets)
