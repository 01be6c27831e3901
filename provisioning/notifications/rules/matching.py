"""Which rule is about which alarm. Pure."""

import re
from collections.abc import Iterable
from functools import lru_cache

from provisioning.notifications.facts import AlarmFact, RuleFact


def matches(rule: RuleFact, alarm: AlarmFact) -> bool:
    """Each filter that says something has to name what the alarm is about; ``*`` in a name stands for any text."""
    return (_is_among(rule.categories, alarm.category) and _is_among(rule.conditions, alarm.condition)
            and _fits(rule.applications, alarm.application) and _fits(rule.hosts, alarm.host)
            and _fits(rule.pairs, alarm.pair))


def _is_among(names: Iterable[str], name: str) -> bool:
    names = tuple(names)
    return not names or name in names


def _fits(patterns: tuple[str, ...], name: str) -> bool:
    return not patterns or (bool(name) and any(_pattern(each).fullmatch(name) for each in patterns))


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """Several ``*`` in a row are one: a pattern that somebody typed is quick on every name."""
    parts = re.split(r"\*+", text)
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
