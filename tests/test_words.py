"""The words that people read: one word for one thing, and no sentence that a reader stops at.

Looked at are templates, strings of Python that are no docstrings, strings of scripts, and documents.
"""

import ast
import functools
import re

import pytest

from tests.sources import ROOT, sources

PROGRAMS = ("provisioning", "api", "console", "control", "hostagent", "messageserver")
SAY = {
    r"\bjobs? under way\b|(?<!what )\bis under way\b": "is running",
    r"\bBegun\b": "Started",
    r"\bAsked for\b(?= by\b|\"|<)": "Requested",
    r"\b[Pp]resent password\b": "current password",
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
    # Objects of a list: New is the button, they are created and deleted; certificates, lines to paste and bundles are
    # made; rows, options, files and agents are removed.
    r"\b[Mm]ak(?:e|es|ing) (?:a|an|another|two|one) (?:new )?(?:user|host|application|template|object|account)\b"
    r"(?! act)|\bMake (?:the first one|two Message Servers)\b|\b(?:user|account|application) was made\b|<dt>Made</dt>"
    r" <dd>\{% when person|\bmade from a template\b|<h2>Made from": "create",
    r"\b[Cc]reat(?:e|es|ed|ing) (?:a |an |the |another )?(?:new )?(?:certificates?|line|bundle|token|key)\b": "make",
    r"\bis removed from the (?:configuration|console|Configuration Database)\b": "is deleted from",
    r"\bMay differ\b|\bdeclared? .{0,40}\bintended\b|\b[Mm]eant to (?:differ|be and)\b|\d\}? intended\b": "exception",
    r"\b[Jj]obs? .{0,40}\bhanded\b|\bnot handed over\b|\bhanded to the broker\b": "sent",
    r"\bSwitch-[Oo]ver\b|(?<= )switch-over\b|(?<= )hand-?over\b":
        "Switch Over (button), switch over (verb), switchover (noun)",
    r"\b[Cc]lick(?:s|ed)? (?:on |the |\*\*)": "press",
    r"\b(?:un)?ticked\b|\bcheck(?:ed)? the box\b|\bdeselect\b": "selected",
    r"\bpick (?:the |a |\*\*|`)": "choose",
    r"\b[Tt]ime-outs?\b": "timeout",
    r"\bLog-on account\b": "Log On As Account",
    r"\bthe Solution Control\b(?! Server)": "control",
    r"\b(?:active|serving) member\b": "active server",
    r"\b(?:One archive|(?:the|finished) archive is searched)\b": "bundle",
    r"\b[Pp]uts? (?:it )?right\b": "fix",
    r"\bmagnifier\b": "search icon",
    r"\bLook at the hosts\b": "Look on the hosts (the verb), Open the hosts (the link)",
    r"\bneeds a login and\b|\b[Ll]og in to the console\b": "sign-in, sign in (login: of STOMP and SSH)",
}
"""{pattern: what is said instead}."""
JS_TEXT = re.compile(r'"[^"]*"|`[^`]*`')
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


@functools.cache
def said():
    """[(place, text)] of everything that people may read."""
    return list(_said())


def _said():
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield str(path.relative_to(ROOT)), " ".join(UNSEEN.sub("", path.read_text()).split())
    for path in sorted((ROOT / "docs").glob("*.md")):
        yield str(path.relative_to(ROOT)), " ".join(path.read_text().split())
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"):
        yield path.name, " ".join(path.read_text().split())
    for path in sorted((ROOT / "static" / "js").glob("*.js")):
        for line, text in enumerate(path.read_text().splitlines(), 1):
            for found in JS_TEXT.finditer(text):
                yield f"{path.relative_to(ROOT)}:{line}", found[0][1:-1]
    for path, source in sources(*PROGRAMS).items():
        if not {"migrations", "models"} & {*path.split("/")}:
            for line, text in strings_of(source):
                yield f"{path}:{line}", " ".join(text.split())


@pytest.mark.parametrize("pattern", SAY)
def test_people_read_plain_words_and_one_for_each_thing(pattern):
    wrong = [f"{place}: …{text[max(0, found.start() - 40):found.end() + 40]}… (say: {SAY[pattern]})"
             for place, text in said() for found in re.finditer(pattern, text)]
    assert not wrong, "\n".join(["", *wrong])


def test_strings_that_people_read_are_found_and_docstrings_are_none():
    found = strings_of('"""A docstring."""\ndef f(x):\n    """Another."""\n    return f"Only who {x}", "Begun"\n')
    assert sorted(text for _, text in found) == ["Begun", "Only who "]
    assert len(said()) > 3000
