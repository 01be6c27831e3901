"""The words that people read: one word for one thing, and no sentence that a reader stops at.

Looked at are templates, strings of Python that are no docstrings, and the pages of docs/.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("provisioning", "console", "control", "hostagent", "messageserver")
SAY = {
    r"\bjobs? under way\b|(?<!what )\bis under way\b": "is running",
    r"\bBegun\b": "Started",
    r"\bAsked for\b(?= by\b|\"|<)": "Requested",
    r"\bPresent password\b": "Current password",
    r"\bState Enabled\b": "Enabled",
    r"\bMay stay empty\b|\bKept in History\b": "Optional. Shown in History.",
    r"\bis kept in History\b": "is recorded in History",
    r"\bthe own (?:password|account|session)\b": "their own",
    r"\bconnects again\b": "reconnects",
    r"\bAttempts here\b": "Attempts on this server",
    r"\bnot tell upper from lower\b": "are not case-sensitive",
    r"\bnot as before\b": "changed",
    r"\bno pair now\b|\bpairs? now</a>": "found in",
    r"\bOnly who\b": "Only users who",
    r"\bat which another one is chosen\b": "then a new one must be set",
    r"\bfound then and now alike\b": "in both results",
    r"\b(?:both )?change roles twice\b": "roles switch over and back",
    r"\bWhat is going on\b": "Status",
    r"\bNobody has looked\b": "Not checked yet",
    r"\bor 'somebody'|default:\"somebody\"": "an unknown user",
    r"\bWith From … to … only\b": "say what the field is for",
}
"""{pattern: what is said instead}."""
UNSEEN = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)


def _docstrings(tree):
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            yield from (each.value for each in body
                        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))


def strings_of(source):
    """[(line, text)] of what a module may say: no docstrings, and parts of one f-string apart from each other."""
    tree = ast.parse(source)
    silent = {id(node) for node in _docstrings(tree)}
    return [(node.lineno, node.value) for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent]


def said():
    """Every (place, text) that people may read."""
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield str(path.relative_to(ROOT)), " ".join(UNSEEN.sub("", path.read_text()).split())
    for path in sorted((ROOT / "docs").glob("*.md")):
        yield str(path.relative_to(ROOT)), " ".join(path.read_text().split())
    for folder in PROGRAMS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts and "models" not in path.parts:
                for line, text in strings_of(path.read_text()):
                    yield f"{path.relative_to(ROOT)}:{line}", " ".join(text.split())


SAID = list(said())


@pytest.mark.parametrize("pattern", SAY)
def test_people_read_plain_words_and_one_for_each_thing(pattern):
    wrong = [f"{place}: …{text[max(0, found.start() - 40):found.end() + 40]}… (say: {SAY[pattern]})"
             for place, text in SAID for found in re.finditer(pattern, text)]
    assert not wrong, "\n".join(["", *wrong])


def test_strings_that_people_read_are_found_and_docstrings_are_none():
    found = strings_of('"""A docstring."""\ndef f(x):\n    """Another."""\n    return f"Only who {x}", "Begun"\n')
    assert sorted(text for _, text in found) == ["Begun", "Only who "]
    assert len(SAID) > 3000
