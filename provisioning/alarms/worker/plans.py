"""Reactions to alarms that were just raised or cleared: noted here. What is done with applications is carried out by
``alarms.services.reactions``, channels are told by ``notifications.worker.reactions``."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from provisioning.alarms.rules.reactions import LATE, why_not_plan
from provisioning.models import Alarm, AlarmCondition, Channel, Reaction
from provisioning.states import ReactionState, ReactionVerb


def plan_verbs(rows: Sequence[Alarm], by_events: Collection[int], now: datetime, *,
               is_clearance: bool = False) -> None:
    """Also what is left out, and why; ``by_events``: ids of the objects of ``rows`` that no log record raised or
    cleared."""
    if not rows:
        return
    conditions = AlarmCondition.objects.in_bulk({row.condition_id for row in rows if row.condition_id is not None})
    verbs: dict[int | None, list[ReactionVerb]] = {
        key: each.clearance_verbs if is_clearance else each.verbs for key, each in conditions.items()}
    found = []
    for row in rows:
        why = why_not_plan(by_record=id(row) not in by_events, has_application=bool(row.application),
                           is_late=_at(row) < now - LATE)
        left_out = {"state": ReactionState.LEFT_OUT, "said": why, "ended_at": now} if why else {}
        found += [Reaction(alarm=row, verb=verb, is_clearance=is_clearance, due_at=now, **left_out)
                  for verb in verbs.get(row.condition_id, ())]
    Reaction.objects.bulk_create(found)


def plan_telling(rows: Sequence[Alarm], now: datetime, *, is_clearance: bool = False) -> None:
    """Of all of them: it does nothing to anything."""
    if not rows:
        return
    channels = _channels({row.condition_id for row in rows if row.condition_id is not None}, is_clearance)
    Reaction.objects.bulk_create([
        Reaction(alarm=row, channel_id=key, channel_name=name, is_clearance=is_clearance, due_at=now) for row in rows
        for key, name in channels.get(row.condition_id, ())])


def _channels(conditions: set[int], is_clearance: bool) -> dict[int | None, list[tuple[int, str]]]:
    """{key of a condition: keys and names of the channels that it tells}."""
    of = "clearance_conditions" if is_clearance else "conditions"
    found: dict[int | None, list[tuple[int, str]]] = defaultdict(list)
    for condition, key, name in Channel.objects.filter(**{f"{of}__in": conditions}).values_list(of, "pk", "name"):
        found[condition].append((key, name))
    return found


def _at(row: Alarm) -> datetime:
    return row.cleared_at or row.raised_at
