"""Documents, read from where the console is installed: which there are, one of them as a page, where words stand."""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from django.conf import settings

from .facts import FILES, INDEX, address_of, relative
from .rules import Heading, Rendered, Section, headings, parts, render, sections

FOUND_MAX = 50
PLURAL_MIN = 4
"""A longer word that ends in s is looked for without it: certificates finds a certificate, too."""
AROUND = 80
"""Characters that are shown of a section before the word that was found, and twice as many behind it."""


@dataclass(frozen=True)
class Chapter:
    """A document in the list of all: ``path`` in the repository, ``part`` for whom it is, "" for everybody."""

    path: str
    label: str
    part: str

    @property
    def address(self) -> str:
        """From the front page of the documentation."""
        return address_of(self.path)


@dataclass(frozen=True)
class Found:
    """A section in which all words stand; ``excerpt`` as (text before, the word, text behind)."""

    chapter: Chapter
    heading: Heading
    excerpt: tuple[str, str, str]

    @property
    def address(self) -> str:
        return f"{self.chapter.address}#{self.heading.anchor}"


def _read(path: str) -> str:
    return (settings.BASE_DIR / path).read_text()


def _target(source: str, target: str) -> str:
    """The path in the repository that ``source`` links to; that of a folder is its README."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    return posixpath.join(path, "README.md") if (settings.BASE_DIR / path).is_dir() else path


@cache
def chapters() -> dict[str, Chapter]:
    """{address: document}, in the order of the index, which is the first itself."""
    index = Chapter(INDEX, "Contents", "")
    found = {index.address: index}
    for part in parts(_read(INDEX)):
        for label, target in part.links:
            path = _target(INDEX, target.partition("#")[0])
            if path.endswith(".md"):
                found.setdefault(address_of(path), Chapter(path, label, part.title))
    return found


@cache
def files() -> dict[str, Path]:
    """{address: file} of what documents may link to besides documents."""
    return {address_of(str(path.relative_to(settings.BASE_DIR))): path
            for pattern in FILES for path in sorted(settings.BASE_DIR.glob(pattern))}


@cache
def _anchors(path: str) -> frozenset[str]:
    """What a link into a document may name; into another file none."""
    return frozenset(heading.anchor for heading in headings(_read(path)) if path.endswith(".md"))


def _locate(source: Chapter) -> Callable[[str], str | None]:
    """What ``render`` asks of each link of ``source``."""

    def locate(target: str) -> str | None:
        name, _, anchor = target.partition("#")
        path = _target(source.path, name) if name else source.path
        address = address_of(path)
        if address not in chapters().keys() | files().keys() or (anchor and anchor not in _anchors(path)):
            return None
        return (relative(address, source.address) if name else "") + (f"#{anchor}" if anchor else "")

    return locate


def document(chapter: Chapter) -> Rendered:
    """``chapter`` as a page; of what it links to and is not there, too."""
    return render(_read(chapter.path), _locate(chapter))


def contents(address: str) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """The list of all documents for the page at ``address``: (for whom, [(label, address, is this page)])."""
    return [(part, [(row.label, relative(row.address, address), row.address == address) for row in rows])
            for part, rows in groupby(chapters().values(), key=attrgetter("part"))]


@cache
def _all_sections() -> list[tuple[Chapter, Section]]:
    """Documents stay as they are while a console runs."""
    return [(chapter, section) for chapter in chapters().values() for section in sections(_read(chapter.path))]


def search(text: str) -> list[Found]:
    """Sections that hold every word of ``text``, in whatever case, the best first: words in a heading count more than
    words in the title of the document, and these more than words in the text. At most ``FOUND_MAX``."""
    words = [word.removesuffix("s") if len(word) > PLURAL_MIN else word for word in text.lower().split()]
    best = []
    for place, (chapter, section) in enumerate(_all_sections()):
        heading, label, body = section.heading.text.lower(), chapter.label.lower(), section.text.lower()
        if words and all(word in heading or word in label or word in body for word in words):
            best.append((-sum(10 * (word in heading) + 3 * (word in label) + (word in body) for word in words), place))
    return [_found(*_all_sections()[place], words) for _, place in sorted(best)[:FOUND_MAX]]


def all_headings() -> list[Found]:
    """Every section of every document, in the order of the index: where nobody can search."""
    return [Found(chapter, section.heading, ("", "", "")) for chapter, section in _all_sections()]


def _found(chapter: Chapter, section: Section, words: list[str]) -> Found:
    text = " ".join(section.text.split())
    hit = re.search("|".join(map(re.escape, words)), text, re.IGNORECASE)
    start, end = hit.span() if hit else (0, 0)
    before, behind = text[max(0, start - AROUND):start], text[end:end + 2 * AROUND]
    return Found(chapter, section.heading, (before if start <= AROUND else f"…{before}", text[start:end],
                                            behind if end + 2 * AROUND >= len(text) else f"{behind}…"))
