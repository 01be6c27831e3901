"""Which rule is about which alarm. Pure."""

from collections.abc import Collection

from provisioning.notifications.facts import AlarmFact, RuleFact


def matches(rule: RuleFact, alarm: AlarmFact) -> bool:
    """Each filter that says something has to name what the alarm is about; ``*`` in a name stands for any text."""
    return (_is_among(rule.categories, alarm.category) and _is_among(rule.conditions, alarm.condition)
            and _fits(rule.applications, alarm.application) and _fits(rule.hosts, alarm.host)
            and _fits(rule.pairs, alarm.pair))


def _is_among(names: Collection[str], name: str) -> bool:
    return not names or name in names


def _fits(patterns: Collection[str], name: str) -> bool:
    return not patterns or (bool(name) and any(is_like(each, name) for each in patterns))


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
