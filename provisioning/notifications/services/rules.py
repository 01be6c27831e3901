"""Notification rules: create, change, delete."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Conflict, Difference, Refusal, Refused
from provisioning.history import history
from provisioning.models import Channel, NotificationRule
from provisioning.notifications.rules.drafts import RuleDraft
from provisioning.notifications.rules.refusals import RULE_LABELS, rule_refusals
from provisioning.notifications.selectors.notifications import RULES, get_rule

LISTS = ("categories", "conditions", "applications", "hosts", "pairs")
PLAIN = ("name", "quiet_hours", "time_zone", "wait_s", "repeat_h", "recovery", "group_s", "limit_per_hour", "enabled")


def create_rule(*, actor: Actor, draft: RuleDraft) -> NotificationRule:
    """Raises Refused."""
    actor.require(permissions.NOTIFY)
    with history.atomic():
        row = _saved(NotificationRule(changed_by=actor.name[:150]), draft)
        history.record(actor=actor, row=row, before=None, after=history.snapshot(row))
        changes.tell(RULES)
    return row


def update_rule(*, actor: Actor, rule_id: int, draft: RuleDraft, revision: int | None = None,
                reason: str = "") -> NotificationRule:
    """``revision``: that of the row that the sender has seen, None where nobody looked. Raises Refused, Conflict,
    NotFound."""
    actor.require(permissions.NOTIFY)
    with history.atomic():
        row = _locked(rule_id)
        if revision is not None and revision != row.revision:
            raise _conflict(row, draft)
        before = history.snapshot(row)
        row.changed_by, row.revision = actor.name[:150], row.revision + 1
        row = _saved(row, draft)
        history.record(actor=actor, row=row, before=before, after=history.snapshot(row), reason=reason)
        changes.tell(RULES)
    return row


def delete_rule(*, actor: Actor, rule_id: int, reason: str = "") -> None:
    """What is still to be told by it is not. Raises NotFound."""
    actor.require(permissions.NOTIFY)
    with history.atomic():
        row = _locked(rule_id)
        history.record(actor=actor, row=row, before=history.snapshot(row), after=None, reason=reason)
        row.delete()
        changes.tell(RULES)


def draft_of(row: NotificationRule) -> RuleDraft:
    """What is stored, as somebody would type it."""
    return RuleDraft(channels=tuple(channel.name for channel in row.channels.all()),
                     **{name: tuple(getattr(row, name)) for name in LISTS},
                     **{name: getattr(row, name) for name in PLAIN})


def _locked(rule_id: int) -> NotificationRule:
    get_rule(rule_id)
    return NotificationRule.objects.select_for_update().get(pk=rule_id)


def _saved(row: NotificationRule, draft: RuleDraft) -> NotificationRule:
    others = set(NotificationRule.objects.exclude(pk=row.pk).values_list("name", flat=True))
    channels = {channel.name: channel for channel in Channel.objects.filter(name__in=draft.channels)}
    if found := rule_refusals(draft, others, channels):
        raise Refused(*found)
    for name in LISTS:
        setattr(row, name, list(dict.fromkeys(each.strip() for each in getattr(draft, name))))
    for name in PLAIN:
        setattr(row, name, getattr(draft, name))
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Refused(Refusal(f"A notification rule named {draft.name} exists already.", "name")) from None
    row.channels.set(channels.values())
    return row


def _conflict(row: NotificationRule, draft: RuleDraft) -> Conflict:
    stored = draft_of(row)
    differences = tuple(
        Difference(name, label, _shown(getattr(stored, name)), _shown(getattr(draft, name)))
        for name, label in RULE_LABELS.items() if _shown(getattr(stored, name)) != _shown(getattr(draft, name)))
    return Conflict(f"{row.changed_by or 'Somebody else'} saved this notification rule while you were changing it. "
                    "Compare, then keep yours or take theirs.", revision=row.revision, saved_by=row.changed_by,
                    saved_at=row.changed_at, differences=differences)


def _shown(value: bool | int | str | Sequence[str]) -> str:
    if isinstance(value, (bool, int, str)):
        return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return ", ".join(sorted(value))
