"""The state of everything in one sentence, for those who look from afar: pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from provisioning.audit.story import counted
from provisioning.pairs.rules.story import BROKEN, LEVELS, MOVING_ON, OK, RISK
from provisioning.states import AlarmCategory

TROUBLE = (BROKEN, RISK, MOVING_ON)
"""Levels of pairs that are shown."""


@dataclass(frozen=True)
class Overall:
    """``level``: one of pairs.rules.story."""

    level: str
    sentence: str


def overall(*, control_answers: bool, reader_answers: bool, pairs: Mapping[str, int], alarms: Mapping[str, int],
            masked: int = 0) -> Overall:
    """``pairs``: {level: how many}, ``alarms``: {category: how many are active}; ``masked``: how many more a
    maintenance masks."""
    # Nothing is known of pairs while control is silent, and each of them would say so.
    known = pairs if control_answers else {}
    found = [
        (RISK, "" if control_answers else "Control does not answer, so what is shown may be old"),
        (RISK, "" if reader_answers else "The log reader does not answer, so no alarm is raised"),
        (BROKEN, _words(known.get(BROKEN, 0), "pair", "Nobody serves in {}")),
        (BROKEN, _words(alarms.get(AlarmCategory.CRITICAL, 0), "critical alarm", "{} active")),
        (RISK, _words(known.get(RISK, 0), "pair", "{} at risk")),
        (RISK, _words(alarms.get(AlarmCategory.MAJOR, 0), "major alarm", "{} active")),
        (MOVING_ON, _words(known.get(MOVING_ON, 0), "pair", "{} in progress")),
    ]
    said = [(level, words) for level, words in found if words]
    if not said:
        are = "is" if masked == 1 else "are"
        return Overall(OK, f"All is well. {_words(masked, 'alarm', f'{{}} {are} masked by maintenance.')}".strip())
    return Overall(min((level for level, _ in said), key=LEVELS.index), f"{'; '.join(words for _, words in said)}.")


def _words(number: int, what: str, sentence: str) -> str:
    return sentence.format(counted(number, what)) if number else ""
