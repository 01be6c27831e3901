"""All documents: listed once, linked to each other and from each page of the console, and whole in a directory, too."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from provisioning.errors import Refused
from provisioning.manual import selectors, site
from provisioning.manual.facts import CHAPTERS, INDEX, address_of, chapter_of, relative
from tests.browser.test_pictures import BYTES_MAX, PICTURES
from tests.commands import run
from tests.provisioning.addresses import ADDRESSES, MACHINE
from tests.sources import ROOT

WITHOUT_PAGE = {
    "api", "api-stream", "client-package", "display", "healthz", "home", "join-program", "livez", "login", "logout",
    "manual", "manual-document", "manual-file", "manual-search", "metrics", "readyz", "second-factor", "session",
    "single-sign-on", "single-sign-on-back", "stream"}
"""Addresses that show no page with a title to whom is signed in, or the documentation itself."""
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "client/README.md")


class Page(HTMLParser):
    """What an HTML page links to and loads, its ids, and what a strict policy would not let it have."""

    def __init__(self, path: Path):
        super().__init__()
        self.links, self.loaded, self.ids, self.inline = [], [], set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.ids.add(values.get("id"))
        self.links += [values["href"]] if tag == "a" and "href" in values else []
        self.loaded += [values[name] for name in ("src", "href") if tag in ("img", "link", "script") and name in values]
        self.inline += [tag] if tag in ("style", "script") else [name for name in values if name.startswith(
            ("on", "style"))]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """All of it, by the command, which refuses while a link leads nowhere."""
    directory = tmp_path_factory.mktemp("docs") / "site"
    code, out, err = run("docs", str(directory))
    assert (code, out) == (0, f"{len(selectors.chapters()) + 1} pages: open {directory / 'index.html'}\n"), err
    return directory


# --- the list of all


def test_every_document_is_listed_once_and_is_for_somebody():
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")} | {*TOP}
    listed = [chapter.path for chapter in selectors.chapters().values()]
    assert sorted(listed) == sorted(there)
    assert [part for part, _ in selectors.contents("index.html")] == [
        "", "Administer", "Operate", "Support", "Integrate", "Develop", "Decisions"]


def test_two_documents_have_two_addresses():
    paths = [chapter.path for chapter in selectors.chapters().values()]
    assert len({address_of(path).lower() for path in paths}) == len(paths) > 70
    assert [address_of(path) for path in (INDEX, "README.md", "docs/adr/README.md", "client/README.md", "CHANGELOG.md",
                                          "docs/openapi.json", "deploy/Dockerfile")] == [
        "index.html", "pairwise/index.html", "adr/index.html", "client/index.html", "pairwise/changelog.html",
        "openapi.json", "deploy/Dockerfile"]


@pytest.mark.parametrize("target", ["nowhere.txt", "hosts.md#nowhere", "#nowhere", "images/nowhere.png", "../console/",
                                    "../console/settings.py", "glossary.py", "../../../../etc/passwd", "/etc/passwd"])
def test_a_link_that_leads_nowhere_is_found(target, monkeypatch):
    read, hosts = selectors._read, selectors.chapters()["hosts.html"]
    assert selectors.document(hosts).broken == ()
    monkeypatch.setattr(selectors, "_read", lambda path: f"{read(path)}\n[x]({target})\n")
    assert selectors.document(hosts).broken == (target,)


def test_nothing_is_written_while_a_link_leads_nowhere(monkeypatch, tmp_path):
    hosts = selectors.chapters()["hosts.html"]
    monkeypatch.setattr(site, "chapters", lambda: {"hosts.html": hosts})
    monkeypatch.setattr(selectors, "_read", lambda path: "# Hosts\n\n[x](nowhere.txt)\n")
    with pytest.raises(Refused, match=r"docs/hosts.md: nowhere.txt leads nowhere"):
        site.write(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_every_picture_is_taken_by_a_journey_and_shown_with_what_it_shows_in_words():
    taken = {f"docs/images/{name}.webp" for name in PICTURES}
    shown = {selectors._target(chapter.path, target): words for chapter in selectors.chapters().values()
             for words, target in re.findall(r"!\[(.*?)\]\((.*?)\)", (ROOT / chapter.path).read_text())}
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/images").iterdir()} == taken == shown.keys()
    assert all(len(words) > 20 for words in shown.values())
    assert all((ROOT / path).stat().st_size < BYTES_MAX for path in taken)


def test_addresses_are_written_as_seen_from_the_page():
    assert relative("hosts.html", "index.html") == "hosts.html"
    assert relative("hosts.html", "adr/0001.html") == "../hosts.html"
    assert relative("adr/0002.html", "adr/0001.html") == "0002.html"


# --- from the pages of the console


def test_each_page_of_the_console_has_a_chapter():
    pages = {name for name, requests in ADDRESSES.items() if any(each.need != MACHINE for each in requests)}
    assert {name for name in ADDRESSES if chapter_of(name) == INDEX} & pages <= WITHOUT_PAGE
    assert ADDRESSES.keys() >= WITHOUT_PAGE


def test_every_chapter_that_a_page_leads_to_is_there():
    for target in CHAPTERS.values():
        path, _, anchor = target.partition("#")
        assert address_of(path) in selectors.chapters(), target
        assert not anchor or anchor in selectors._anchors(path), target


def test_every_line_of_the_table_is_that_of_a_page():
    used = {max((each for each in CHAPTERS if name.startswith(each)), key=len) for name in ADDRESSES}
    assert CHAPTERS.keys() - used == set()


# --- search


def test_all_words_have_to_stand_in_a_section_in_whatever_case():
    assert {found.heading.text for found in selectors.search("EVERY drill schedules")} >= {"Failover drill"}
    best, *_ = selectors.search("failover Drill")
    assert best.address == "drills.html#failover-drill"
    assert selectors.search("no-such-word-anywhere drill") == []
    assert selectors.search("  ") == []


def test_what_was_found_is_shown_with_the_words_around_it():
    [found] = [found for found in selectors.search("certificates expire") if found.heading.text.startswith("When cert")]
    before, word, behind = found.excerpt
    assert word.lower() in ("certificate", "expire")
    assert len(before) <= selectors.AROUND + 1
    assert len(behind) <= 2 * selectors.AROUND + 1
    assert len(selectors.search("e")) == selectors.FOUND_MAX


# --- as files


def test_every_link_of_every_written_page_leads_to_something_written(written):
    pages = {path: Page(path) for path in written.rglob("*.html")}
    assert len(pages) == len(selectors.chapters()) + 1
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if not parts.scheme:
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                assert target.is_file(), (path, link)
                assert not parts.fragment or parts.fragment in pages[target].ids, (path, link)


def test_written_pages_fetch_nothing_from_elsewhere_and_have_nothing_in_line(written):
    for path in written.rglob("*.html"):
        page = Page(path)
        assert page.inline == [], path
        assert page.loaded, path
        for address in page.loaded:
            assert (path.parent / address).is_file(), (path, address)


def test_the_command_says_what_is_in_its_way(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "chapters", lambda: {"hosts.html": selectors.chapters()["hosts.html"]})
    (tmp_path / "site").write_text("a file")
    code, _, err = run("docs", str(tmp_path / "site"))
    assert code == 2
    assert "cannot be written" in err
    assert (tmp_path / "site").read_text() == "a file"


def test_nobody_loads_the_parser_before_a_document_is_shown():
    """It costs memory in every process, and most never show one."""
    done = subprocess.run(
        [sys.executable, "-c", "import os, sys, django\nos.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
         "django.setup()\nimport console.urls, provisioning.manual.views\nprint('markdown_it' in sys.modules)"],
        cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
