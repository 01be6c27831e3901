"""The state of everything in one sentence, for those who look from afar: pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from provisioning.audit.story import counted
from provisioning.pairs.rules.story import BROKEN, MOVING_ON, OK, RISK
from provisioning.states import AlarmCategory

TROUBLE = (BROKEN, RISK, MOVING_ON)
"""Levels of pairs that are shown."""


@dataclass(frozen=True)
class Overall:
    """``level``: one of pairs.rules.story."""

    level: str
    sentence: str


def overall(*, control_answers: bool, pairs: Mapping[str, int], alarms: Mapping[str, int]) -> Overall:
    """``pairs``: {level: how many}, ``alarms``: {category: how many are active}."""
    said = [
        (BROKEN, "Nobody serves in {}", counted(pairs.get(BROKEN, 0), "pair"), pairs.get(BROKEN, 0)),
        (BROKEN, "{} active", counted(alarms.get(AlarmCategory.CRITICAL, 0), "critical alarm"),
         alarms.get(AlarmCategory.CRITICAL, 0)),
        (RISK, "{} at risk", counted(pairs.get(RISK, 0), "pair"), pairs.get(RISK, 0)),
        (RISK, "{} active", counted(alarms.get(AlarmCategory.MAJOR, 0), "major alarm"),
         alarms.get(AlarmCategory.MAJOR, 0)),
        (MOVING_ON, "{} in progress", counted(pairs.get(MOVING_ON, 0), "pair"), pairs.get(MOVING_ON, 0)),
    ]
    if not control_answers:
        return Overall(RISK, "Control does not answer: what is shown may be old.")
    found = [(level, words.format(what)) for level, words, what, number in said if number]
    if not found:
        return Overall(OK, "All is well.")
    return Overall(found[0][0], f"{'; '.join(words for _, words in found)}.")
