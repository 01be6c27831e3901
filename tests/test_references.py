"""Whatever code, tests, templates and documents refer to is there: pages, headings, decisions, faults, steps, paths."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from provisioning.manual import rules

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FOLDERS = ("api", "bench", "console", "control", "deploy", "docs", "hostagent", "messageserver", "protocol",
           "provisioning", "static", "templates", "tests")
WRITTEN_BY_PEOPLE = {".cfg", ".css", ".env", ".example", ".html", ".js", ".md", ".py", ".service", ".yaml", ".yml"}
ON_TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "run", "manage.py", "pyproject.toml",
          "requirements.in", "requirements-dev.in", "requirements-bench.in")

FILE = re.compile(r"(?<![\w*./:-])[\w./-]*\w\.md\b")
NUMBERS = r"(\d+(?:\.\d+)*(?:(?:, | and | to )\d+(?:\.\d+)*)*)"
NUMBERED = re.compile(rf"([\w-]+\.md)`?(?:\]\([^)]*\))?,? (?:sections? )?{NUMBERS}")
HEADED = re.compile(r'([\w-]+\.md)`?(?:\]\([^)]*\))?\)?, \\?"([^"\\]+)\\?"')
NAMED = re.compile(r"\(docs/([\w-]+\.md), ([A-Z][\w, ]+)\)")
"""As help and docstrings write it: the page, and the heading without quotes."""
DECISION = re.compile(rf"\bADRs? {NUMBERS}|\badr/(\d{{4}})\b")
FAULT = re.compile(r"\bS(\d{1,2})\b|\btest_s(\d\d)(?=_)|_s(\d\d)(?=_)")
STEP = re.compile(r"\b[Gg]uide,? step (\d+)|Installation and Configuration, step (\d+)")
NOWHERE = re.compile(r"\bdesign,? (?:section|\d)|\.md, rules? \d")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
PATH = re.compile(r"`([a-z][\w-]*/(?!\.)[\w./-]*\w)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
UNIQUE = re.compile(r"^#+ (\d+(?:\.\d+)*)\.? ", re.MULTILINE)


@cache
def texts() -> tuple[tuple[Path, str], ...]:
    """(file, text) of all that people wrote, on one line each."""
    within = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.*"))
              if path.suffix in WRITTEN_BY_PEOPLE and "vendor" not in path.parts and path != Path(__file__))
    return tuple((path, re.sub(r"\s*\n[\s#]*", " ", path.read_text()))
                 for path in [*(ROOT / name for name in ON_TOP), *within])


@cache
def page(name: str) -> str:
    """The text of a page of docs, of its folder of decisions or of the top; "" when there is none."""
    places = (DOCS / name, ROOT / name, DOCS / "adr" / name)
    return next((path.read_text() for path in places if path.is_file()), "")


@cache
def headings(path: Path) -> frozenset[str]:
    """Of a page, as they are written."""
    return frozenset(text.replace("`", "") for text in HEADING.findall(path.read_text()))


@cache
def anchors(path: Path) -> frozenset[str]:
    """What a link into a page may name: each heading as the web shows it."""
    return frozenset(heading.anchor for heading in rules.headings(path.read_text()))


@cache
def known() -> dict[str, frozenset[int]]:
    """{kind: numbers that there are}."""
    return {
        "ADR": frozenset(int(path.name[:4]) for path in (DOCS / "adr").glob("0*.md")),
        "fault S": frozenset(int(number) for number in re.findall(
            r"^\| S(\d+) \|", page("failover.md").partition("## The numbers")[2], re.MULTILINE)),
        "guide step": frozenset(int(number) for number in re.findall(r"^### Step (\d+):", page("guide.md"),
                                                                     re.MULTILINE)),
    }


def is_there(name: str, source: Path) -> bool:
    name = name.removeprefix("/opt/pairwise/")  # where the units of deploy/ expect it
    return any((folder / name).exists() for folder in (source.parent, ROOT, DOCS, ROOT / "static"))


def _numbers(found: re.Match) -> list[int]:
    return [int(each) for group in found.groups() if group for each in re.findall(r"\d+", group)]


def _counted(text: str) -> Iterator[str]:
    for kind, pattern in (("ADR", DECISION), ("fault S", FAULT), ("guide step", STEP)):
        yield from (f"{kind} {number}" for found in pattern.finditer(text) for number in _numbers(found)
                    if number not in known()[kind])


def _headed(text: str) -> Iterator[str]:
    for name, numbers in NUMBERED.findall(text):
        have = UNIQUE.findall(page(name))
        yield from (f"{name} {number}" for number in re.findall(r"\d+(?:\.\d+)*", numbers) if number not in have)
    for name, title in (*HEADED.findall(text), *NAMED.findall(text)):
        if not re.search(rf"^#+ {re.escape(title)}$", page(name).replace("`", ""), re.MULTILINE):
            yield f'{name}, "{title}"'


def _linked(text: str, source: Path) -> Iterator[str]:
    for name, anchor in LINK.findall(text) if source.suffix == ".md" else ():
        target = (source.parent / name).resolve() if name else source
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            yield f"({name}#{anchor})" if anchor else f"({name})"


def missing(text: str, source: Path) -> list[str]:
    """What ``text`` of the file ``source`` refers to and is not there."""
    return [*(name for name in FILE.findall(text) if not is_there(name, source)), *_headed(text), *_counted(text),
            *_linked(text, source), *NOWHERE.findall(text)]


def paths_missing(text: str) -> list[str]:
    """Files and folders of the product that a page names as code and that are not there."""
    return [path for path in PATH.findall(text) if path.split("/")[0] in FOLDERS
            and Path(path).suffix in WRITTEN_BY_PEOPLE | {""} and not (ROOT / path).exists()]


# --- what is written


def test_what_is_referred_to_is_there():
    wrong = [f"{path.relative_to(ROOT)}: {what}" for path, text in texts() for what in missing(text, path)]
    assert not wrong, "\n".join(["", *wrong])


def test_files_and_folders_that_pages_name_are_there():
    wrong = [f"{path.relative_to(ROOT)}: {what}" for path, text in texts() if path.suffix == ".md" and
             path.name != "CHANGELOG.md" for what in paths_missing(text)]
    assert not wrong, "\n".join(["", *wrong])


def test_every_page_is_listed_in_the_index_of_documents():
    listed = {target for target, _ in LINK.findall(page("README.md"))}
    there = {str(path.relative_to(DOCS)) for path in [*DOCS.rglob("*.md"), *DOCS.glob("*.json")]}
    assert there - {"README.md"} - listed == set()


def test_the_index_names_each_decision_by_its_number_and_title():
    titles = [re.sub(r"^# (\d+)\. (.+)$", r"[ADR \1](adr/FILE): \2", path.read_text().splitlines()[0]).replace(
        "FILE", path.name) for path in sorted((DOCS / "adr").glob("0*.md"))]
    assert re.findall(r"^\* (\[ADR .+)$", (DOCS / "README.md").read_text(), re.MULTILINE) == titles


def test_the_front_page_leads_to_the_index_to_the_glossary_and_to_how_to_contribute():
    linked = {target for target, _ in LINK.findall((ROOT / "README.md").read_text())}
    assert {"docs/README.md", "docs/glossary.md", "CONTRIBUTING.md"} <= linked


def test_a_number_of_a_heading_a_decision_or_a_fault_names_one_thing():
    numbers = UNIQUE.findall(page("domain.md"))
    assert len(numbers) == len(set(numbers)) > 20
    listed = re.findall(r"^\| (S\d+) \|", page("failover.md").partition("## The numbers")[2], re.MULTILINE)
    assert len(listed) == len(set(listed)) == 49
    assert 17 not in known()["ADR"]


# --- the finder


@pytest.mark.parametrize(("text", "found"), [
    ("see nowhere.md", ["nowhere.md"]), ("`docs/nowhere.md`", ["docs/nowhere.md"]),
    ("(domain.md 1.9)", ["domain.md 1.9"]), ("domain.md 1.2, 9.9 and 1.3", ["domain.md 9.9"]),
    ("(domain.md section 8)", ["domain.md 8"]), ("[`domain.md`](domain.md) 8", ["domain.md 8"]),
    ("(ADR 17)", ["ADR 17"]), ("ADR 4 and 99", ["ADR 99"]), ("docs/adr/0017", ["ADR 17"]),
    ("S50 follows S49", ["fault S 50"]), ("def test_s26_s77_a_thing():", ["fault S 77"]),
    ("Guide step 6", ["guide step 6"]), ("Installation and Configuration, step 0", ["guide step 0"]),
    ('(docs/hosts.md, "No such heading")', ['hosts.md, "No such heading"']),
    ("(docs/hosts.md, No such heading)", ['hosts.md, "No such heading"']),
    ("(design section 7)", ["design section"]), ("failover.md, rules 4 to 6", [".md, rules 4"]),
    ("[a page](nowhere.txt)", ["(nowhere.txt)"]), ("[a heading](pair.md#nowhere)", ["(pair.md#nowhere)"]),
])
def test_what_is_not_there_is_found(text, found):
    assert missing(text, DOCS / "page.md") == found


@pytest.mark.parametrize("text", [
    "domain.md 1.2 and 5.11", "domain.md 1.2 to 1.5", "docs/pair.md", "ADR 4 and 8", "docs/adr/0016", "S1 and S49",
    "def test_s26_s45_a_thing():", "guide step 5", '(docs/hosts.md, "As which account servers run")',
    "(docs/hosts.md, Join)", "[a page](pair.md)", "[a heading](pair.md#the-sync-link)", "[a word](glossary.md#agent)",
    "*.md", "[elsewhere](https://example.com/nowhere.md)",
])
def test_what_is_there_is_not_complained_about(text):
    assert missing(text, DOCS / "page.md") == []


def test_a_path_that_is_not_there_is_found():
    assert paths_missing("`control/decide.py`, `control/nowhere.py`, `templates/no/`, `a/b`") == ["control/nowhere.py"]
