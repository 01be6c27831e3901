"""docs/users.md says what each role may do as provisioning/core/permissions.py has it."""

import re

from provisioning.core.permissions import ROLE_VERBS, VERBS
from provisioning.states import Role
from tests.sources import ROOT


def test_the_roles_documented_are_the_roles():
    text = (ROOT / "docs/users.md").read_text()
    head, rows = re.search(r"^\| May \| (.+?) \|\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE).groups()
    roles = head.split(" | ")
    assert roles == Role.values
    documented = [line.strip("| ").split(" | ") for line in rows.splitlines()]
    assert documented == [
        [words, *("yes" if verb in ROLE_VERBS[role] else "–" for role in roles)] for verb, words in VERBS.items()]


def test_an_operator_configures_nothing_and_support_changes_nothing():
    assert ROLE_VERBS[Role.OPERATOR] == {"view", "operate", "drill", "alarms", "read_messages", "clients"}
    assert ROLE_VERBS[Role.SUPPORT] == {"view", "audit", "waive", "export"}
    assert ROLE_VERBS[Role.ADMINISTRATOR] == VERBS.keys()
