"""How old a word still counts is said in one table."""

import ast
import re
from datetime import timedelta
from pathlib import Path

from provisioning.core import ages
from tests.sources import sources

AN_AGE = re.compile(r"(_AFTER|_FOR|_AGE|_OLD|FRESH|SILENT|PROVEN|LATE|STALE|DEAF)(_S|_MAX|_LIMIT)*$")
NO_WORDS = {
    "audit/observed.py": {"FLAPPING_FOR", "STARTS_FOR"},
    "audit/worker/affected.py": {"UNDER_WAY_FOR"},
    "jobs/worker/reaper.py": {"NOT_SENT_AFTER_S"},
    "accounts/rules/sign_in.py": {"LOCKED_FOR", "FAMILIAR_FOR", "GOOD_FOR"},
    "hosts/selectors/joining.py": {"SHOWN_AFTER"},
    "hosts/views/host_api.py": {"JOB_AGE"},
    "web/kept.py": {"KEPT_FOR_S"},
    "alarms/rules/reactions.py": {"LATE"},
    "monitoring/services/observer.py": {"PAUSED_FOR"},
    "notifications/rules/attempts.py": {"GIVEN_UP_AFTER"},
    "shipping/rules/lag.py": {"BEHIND_FOR"},
    "accounts/rules/factors.py": {"CONFIRMED_FOR"},
    "accounts/rules/tokens.py": {"FAMILIAR_FOR"},
    "accounts/services/directory.py": {"AWAY_FOR_S"},
    "charts/worker/recorder.py": {"LATE_S"},
    "repeats/rules.py": {"KEPT_FOR", "UNDER_WAY_FOR"},
}
"""Times that are not the age of a word: what is counted or shown over so long, locked or kept for so long."""


def times(text):
    """Names of the constants of a module that are numbers or times and are called as an age would be."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Call, ast.Constant, ast.BinOp)):
            number = ast.unparse(node.value)
            if number.startswith("timedelta(") or re.match(r"[\d.]", number):
                yield from (target.id for target in node.targets
                            if isinstance(target, ast.Name) and AN_AGE.search(target.id))


def test_no_other_module_says_how_old_a_word_may_be():
    found = {path.removeprefix("provisioning/"): names for path, text in sources("provisioning").items()
             if "/migrations/" not in path and (names := set(times(text)))}
    assert found == NO_WORDS


def test_every_age_has_its_reason():
    body = ast.parse(Path(ages.__file__).read_text()).body
    for node, reason in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.Assign):
            assert isinstance(reason, ast.Expr), ast.unparse(node)
            assert isinstance(getattr(ages, node.targets[0].id), timedelta)
