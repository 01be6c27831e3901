"""Which rule is about which alarm. Pure."""

from collections.abc import Collection, Mapping

from provisioning.notifications.facts import AlarmFact, RuleFact

from .drafts import RuleDraft

NAMED = {"conditions": "alarm condition", "applications": "application", "hosts": "host", "pairs": "pair"}
"""{filter of a rule whose values are names: what one is called}."""


def matches(rule: RuleFact, alarm: AlarmFact) -> bool:
    """Each filter that says something has to name what the alarm is about; ``*`` in a name stands for any text."""
    return (_is_among(rule.categories, alarm.category) and _is_among(rule.conditions, alarm.condition)
            and _fits(rule.applications, alarm.application) and _fits(rule.hosts, alarm.host)
            and (_fits(rule.pairs, alarm.pair) or _fits(rule.pairs, alarm.pair_backup)))


def _is_among(names: Collection[str], name: str) -> bool:
    return not names or name in names


def _fits(patterns: Collection[str], name: str) -> bool:
    return not patterns or (bool(name) and any(is_like(each, name) for each in patterns))


def hints(draft: RuleDraft, there: Mapping[str, Collection[str]]) -> list[str]:
    """Filters that nothing fits, as sentences; ``there`` {filter: names of what there is}."""
    return [f"There is no {what} {name}: no alarm of it is told until there is one."
            for field, what in NAMED.items() for name in getattr(draft, field)
            if not _is_there(field, name, there[field])]


def _is_there(field: str, name: str, names: Collection[str]) -> bool:
    """Conditions are named in full."""
    return name in names or (field != "conditions" and "*" in name and any(is_like(name, each) for each in names))


def is_like(pattern: str, name: str) -> bool:
    """Whether ``name`` is ``pattern``, in which each ``*`` stands for any text. In a time that does not explode with
    the number of ``*``, as that of a regular expression does."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    at, end = len(first), len(name) - len(last)
    if at > end or not name.startswith(first) or not name.endswith(last):
        return False
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
