"""Holds that each thing is styled in one file, in colours that are tokens (docs/architecture.md)."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

from provisioning.web.styles import GROUPS
from tests.test_architecture import ROOT

STYLES = ROOT / "static" / "css"
NOT_BY_SCRIPTS = "noscript"
"""The file that is loaded where no script runs: it shows everything that waits for one, whatever it is."""
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\(|"
                    r"\b(?:white|black|red|green|blue|yellow|orange|grey|gray)\b")
COLOURED = re.compile(r"(?:^|[;{\s])(?:color|background|background-color|background-image|border[\w-]*|outline[\w-]*|"
                      r"box-shadow|fill|stroke|accent-color|text-decoration[\w-]*|--[\w-]+)\s*:([^;}]*)")
GROUPING = ("@media", "@container", "@supports")


@cache
def sources() -> dict[str, str]:
    """{name of a file: its text without comments}."""
    return {path.stem: re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL) for path in STYLES.glob("*.css")}


def rules(text: str) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of every rule of ``text``, those of a medium or container too."""
    end = 0
    while (opens := text.find("{", end)) >= 0:
        head, depth, closes = text[end:opens].strip(), 1, opens + 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[closes], 0)
            closes += 1
        body = text[opens + 1:closes - 1]
        if head.startswith(GROUPING):
            yield from rules(body)
        elif not head.startswith("@"):
            yield head, body
        end = closes


def selectors(head: str) -> list[str]:
    """The selectors of a rule; commas within brackets part nothing."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", head)]


def styled(selector: str) -> set[str]:
    """The classes of what ``selector`` styles: of its last part, without what its conditions name."""
    bare = re.sub(r":[\w-]+\((?:[^()]|\([^()]*\))*\)", "", selector)
    return set(re.findall(r"\.([\w-]+)", re.split(r"[\s>+~]+", bare.strip())[-1]))


def named(selector: str) -> set[str]:
    return set(re.findall(r"[.#]([\w-]+)", selector))


def homes(files: dict[str, str]) -> dict[str, set[str]]:
    """{class or id: files that style it wherever it is, or that alone name it}."""
    plain, anywhere = defaultdict(set), defaultdict(set)
    for name, text in files.items():
        for head, _ in rules(text):
            for selector in selectors(head):
                for word in named(selector):
                    anywhere[word].add(name)
                if len(named(selector)) == 1 and styled(selector):
                    plain[min(styled(selector))].add(name)
    return {word: plain.get(word) or where for word, where in anywhere.items() if word in plain or len(where) == 1}


def strangers(files: dict[str, str]) -> list[str]:
    """Rules in a file that is not the home of what they style, and that names no thing of its own around it."""
    home, found = homes(files), []
    for name, text in files.items():
        for head, _ in rules(text):
            for selector in selectors(head):
                at_home = any(name in home.get(word, ()) for word in named(selector))
                if styled(selector) and not at_home:
                    found.append(f"{name}.css: {selector}")
    return found


def of_scripts() -> dict[str, str]:
    return {name: text for name, text in sources().items() if name != NOT_BY_SCRIPTS}


def test_a_class_has_one_file_that_styles_it():
    several = {word: sorted(files) for word, files in homes(of_scripts()).items() if len(files) > 1}
    assert not several, several


def test_other_files_change_it_only_inside_of_their_own_things():
    assert strangers({"a": ".icon {x: y}", "b": ".card {x: y} .card .icon {x: y}"}) == []
    outside = {"a": ".icon {x: y}", "b": "p .icon:not(.z) {x: y}", "c": ".z {x: y}"}
    assert strangers(outside) == ["b.css: p .icon:not(.z)"]
    assert strangers(of_scripts()) == []


def test_every_colour_is_a_token():
    wrong = [f"{name}.css: {value.strip()}" for name, text in sources().items() if name != "tokens"
             for value in COLOURED.findall(text) if COLOUR.search(re.sub(r"var\([^)]*\)", "", value))]
    assert not wrong, "\n".join(["", *wrong])


def test_every_token_that_is_used_is_declared_and_every_one_is_used():
    text = " ".join(sources().values())
    scripts = " ".join(path.read_text() for path in (ROOT / "static" / "js").glob("*.js"))
    declared = set(re.findall(r"(--[\w-]+)\s*:", text))
    used = set(re.findall(r"var\(\s*(--[\w-]+)", text)) | set(re.findall(r"[\"'](--[\w-]+)", scripts))
    assert used - declared == set()
    assert declared - used == set()


def test_every_stylesheet_is_loaded_with_one_group():
    loaded = [name for group in GROUPS.values() for name in group]
    assert sorted(loaded) == sorted(f"css/{name}.css" for name in sources())


def test_templates_ask_for_groups_that_there_are_and_load_nothing_past_them():
    text = " ".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    assert set(re.findall(r'{% styles "([^"]+)"', text)) == GROUPS.keys()
    assert re.findall(r"css/[\w-]+\.css", text) == []


def test_every_page_with_styles_begins_with_the_ground_on_which_they_stand():
    pages = {path.name: re.findall(r'\{% styles "([\w ]+)" %\}', text) for path in (ROOT / "templates").rglob("*.html")
             if "<html" in (text := path.read_text())}
    assert {name: groups for name, groups in pages.items() if groups and groups[0] != "ground"} == {}
    assert len(pages) > 3
