"""Notification rules: create, change, delete."""

from typing import Any

from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.errors import Refused
from provisioning.history.revised import Revised, differing
from provisioning.models import Channel, NotificationRule
from provisioning.notifications.rules.drafts import RuleDraft
from provisioning.notifications.rules.refusals import RULE_LABELS, rule_refusals
from provisioning.notifications.selectors.notifications import RULES, get_rule

LISTS = ("categories", "conditions", "applications", "hosts", "pairs")
PLAIN = ("name", "quiet_hours", "time_zone", "wait_s", "repeat_h", "recovery", "group_s", "limit_per_hour", "enabled")


def create_rule(*, actor: Actor, draft: RuleDraft) -> NotificationRule:
    """Raises Refused."""
    return KIND.create(actor=actor, draft=draft)


def update_rule(*, actor: Actor, rule_id: int, draft: RuleDraft, revision: int | None = None,
                reason: str = "") -> NotificationRule:
    """As ``Revised.update``."""
    return KIND.update(rule_id, actor=actor, draft=draft, revision=revision, reason=reason)


def delete_rule(*, actor: Actor, rule_id: int, reason: str = "") -> None:
    """What is still to be told by it is not. Raises NotFound."""
    KIND.delete(rule_id, actor=actor, reason=reason)


def draft_of(row: NotificationRule) -> RuleDraft:
    """What is stored, as somebody would type it."""
    values: dict[str, Any] = {name: tuple(getattr(row, name)) for name in LISTS}
    values |= {name: getattr(row, name) for name in PLAIN}
    return RuleDraft(channels=tuple(channel.name for channel in row.channels.all()), **values)


def _channels(draft: RuleDraft) -> dict[str, Channel]:
    return {channel.name: channel for channel in Channel.objects.filter(name__in=draft.channels)}


def _fill(row: NotificationRule, draft: RuleDraft, others: set[str]) -> None:
    if found := rule_refusals(draft, others, _channels(draft)):
        raise Refused(*found)
    for name in LISTS:
        setattr(row, name, list(dict.fromkeys(each.strip() for each in getattr(draft, name))))
    for name in PLAIN:
        setattr(row, name, getattr(draft, name))


def _stored(row: NotificationRule, draft: RuleDraft) -> None:
    row.channels.set(_channels(draft).values())
    if not row.enabled:
        # Enabled again it tells of what happens then.
        row.notices.filter(over=False).update(over=True, due_at=None)


KIND = Revised(
    model=NotificationRule, noun="notification rule", permission=permissions.NOTIFY, topics=(RULES,), get=get_rule,
    fill=_fill, stored=_stored, differences=lambda row, draft: differing(RULE_LABELS, draft_of(row), draft))
