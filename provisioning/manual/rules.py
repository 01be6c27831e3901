"""Markdown as a page: pure. HTML in a document is shown as it is written and never becomes a part of the page."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

DRAWN: dict[str, Callable[..., str]] = {
    "fence": lambda _, tokens, at, *rest: f'<pre tabindex="0"><code>{escape(tokens[at].content)}</code></pre>\n',
    "table_open": lambda *_: '<div class="manual-wide" role="group" aria-label="Table" tabindex="0"><table>\n',
    "table_close": lambda *_: "</table></div>\n",
}
"""What is drawn otherwise than the parser does: both may be wider than the page, so they scroll, and who has no mouse
reaches them by Tab."""
OUTWARD = re.compile(r"[a-z]+:", re.IGNORECASE)
"""What the target of a link into the web, or of one that sends mail, begins with."""


@dataclass(frozen=True)
class Heading:
    """``level`` is 1 for the title of a document; ``anchor`` is what its address ends in."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Rendered:
    """A document without its title, which the page shows itself. ``broken`` are targets of links that lead nowhere."""

    title: Heading
    html: SafeString
    headings: tuple[Heading, ...]
    broken: tuple[str, ...]


@dataclass
class Section:
    """A heading and the text below it as words, up to the next heading."""

    heading: Heading
    text: str = ""


@dataclass(frozen=True)
class Part:
    """A heading of the index, "" for what stands above the first, and the links below: (label, target as written)."""

    title: str
    links: list[tuple[str, str]] = field(default_factory=list)


@cache
def _parser() -> "MarkdownIt":
    # Here and not above: most processes never show a document.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")
    for name, drawn in DRAWN.items():
        parser.add_render_rule(name, drawn)
    return parser


def _words(inline: "Token") -> str:
    """The text of a heading, a paragraph or a cell, without its marks."""
    return "".join(" " if child.type.endswith("break") else child.content for child in inline.children or ())


def _named(tokens: list["Token"]) -> Iterator[tuple[int, Heading]]:
    """(place among ``tokens``, heading) with the anchors that GitHub gives, a number added where one was taken."""
    taken: dict[str, int] = {}
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            text = _words(tokens[at + 1])
            anchor = re.sub(r"[^\w -]", "", text.lower()).strip().replace(" ", "-")
            times = taken[anchor] = taken.get(anchor, -1) + 1
            yield at, Heading(int(token.tag[1]), text, f"{anchor}-{times}" if times else anchor)


def headings(text: str) -> tuple[Heading, ...]:
    """All of a document, in their order; the first is its title."""
    return tuple(heading for _, heading in _named(_parser().parse(text)))


def render(text: str, locate: Callable[[str], str | None]) -> Rendered:
    """``locate`` gives the address for the target of a link or picture as it is written, None for what is not there;
    of such a link the words stay."""
    parser = _parser()
    tokens = parser.parse(text)
    named = dict(_named(tokens))
    for at, heading in named.items():
        tokens[at].attrSet("id", heading.anchor)
    broken = tuple(target for token in tokens for target in _lead(token, locate))
    _leave_empty_heads(tokens)
    [(at, title), *_] = named.items()
    html = parser.renderer.render(tokens[:at] + tokens[at + 3:], parser.options, {})
    # What the renderer writes is escaped, as HTML in documents is off.
    return Rendered(title, mark_safe(html), tuple(named.values())[1:], broken)


def _lead(token: "Token", locate: Callable[[str], str | None]) -> Iterator[str]:
    """Let the links and pictures of ``token`` lead where ``locate`` says; gives the targets that lead nowhere."""
    for child in token.children or ():
        name = {"link_open": "href", "image": "src"}.get(child.type)
        target = str(child.attrs[name]) if name else "#"
        if name is None or OUTWARD.match(target):
            continue
        address = locate(target)
        if address is None:
            yield target
            del child.attrs[name]
        else:
            child.attrs[name] = address


def _leave_empty_heads(tokens: list["Token"]) -> None:
    """The head of a column that says nothing is no heading to whom a page is read aloud."""
    for at, token in enumerate(tokens):
        if token.type == "th_open" and not tokens[at + 1].content:
            token.tag = tokens[at + 2].tag = "td"


def sections(text: str) -> list[Section]:
    """A document in parts that can be found; the first is its title with what stands below it."""
    tokens = _parser().parse(text)
    named = dict(_named(tokens))
    found: list[Section] = []
    for at, token in enumerate(tokens):
        if at in named:
            found.append(Section(named[at]))
        elif found and at - 1 not in named and token.type in ("inline", "fence", "code_block"):
            found[-1].text += (_words(token) if token.type == "inline" else token.content) + "\n"
    return found


def parts(index: str) -> list[Part]:
    """The index of the documents: its headings, each with the links below it."""
    tokens = _parser().parse(index)
    found = [Part("")]
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h2":
            found.append(Part(_words(tokens[at + 1])))
        children = token.children or []
        for place, child in enumerate(children):
            if child.type == "link_open":
                end = next(k for k in range(place, len(children)) if children[k].type == "link_close")
                label = "".join(inner.content for inner in children[place:end])
                found[-1].links.append((label, str(child.attrs["href"])))
    return found
