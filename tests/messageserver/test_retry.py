"""An ERROR says in a header whether the same frame may be taken later, or by the other member."""

import ast
import re

import pytest

from messageserver.output import RETRY_ENDS
from tests.sources import sources

REFUSALS = {"Refusal", "WrongPasscode", "TooManyGuesses", "fail"}
INSTALL = "Install the application again"
"""Nothing that a client can mend by asking again."""


def text_of(node: ast.expr) -> str:
    """With … for what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "…"


def sentences() -> list[str]:
    """What refusals say, and the sentences that have names."""
    found = []
    for source in sources("messageserver").values():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and node.args:
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                found += [text_of(node.args[0])] * (name in REFUSALS)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.col_offset == 0:
                found += [text_of(node.value)] * node.targets[0].id.isupper()
    return found


def test_every_sentence_that_speaks_of_another_try_ends_as_the_header_needs_it():
    speaking = [each for each in sentences() if re.search(r"\bagain\b|\b[Cc]onnect to the other member\b", each)
                and INSTALL not in each and each.endswith(".")]
    assert len(speaking) > 15
    assert [each for each in speaking if not each.endswith(RETRY_ENDS)] == []


@pytest.mark.scenario
def test_what_a_client_itself_wrote_does_not_count(served):
    with served.client() as client:
        client.send("SEND", {"destination": "/nowhere/again. Try again."}, b"m")
        assert "retry" not in client.expect("ERROR").headers
