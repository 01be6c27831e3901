"""The report as one HTML file that people read, print and mail: its style is inside, nothing in it runs."""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from provisioning.states import Severity, Verdict

from .report import Head, PairReport

_LINES, _PAIRS = "<!-- one line of each pair -->", "<!-- each pair -->"
"""Where document.html is left open. Text of objects cannot be one of them: its angle brackets are escaped."""
_CLASSES = {Verdict.BROKEN: "broken", Verdict.AT_RISK: "risk", Verdict.READY: "ready"}


@dataclass(frozen=True)
class Bar:
    """A number with the part of the whole that it is, in percent."""

    label: str
    number: int
    percent: float
    css: str


@cache
def style() -> str:
    return render_to_string("audit/report/report.css")


@cache
def policy() -> str:
    """The Content-Security-Policy of the file: its own style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def write(head: Head, pairs: Iterable[PairReport]) -> Iterator[str]:
    """``pairs`` is walked twice: for the table of all of them, then for each."""
    document = render_to_string("audit/report/document.html", {
        "head": head, "policy": policy(), "style": _style_element(), "verdicts": _bars(head),
        "severities": [(severity.label, head.found.get(severity, 0)) for severity in Severity]})
    begin, rest = document.split(_LINES)
    between, end = rest.split(_PAIRS)
    yield begin
    for pair in pairs:
        yield render_to_string("audit/report/_line.html", _of(head, pair))
    yield between
    for pair in pairs:
        yield render_to_string("audit/report/_pair.html", _of(head, pair))
    yield end


def _style_element() -> SafeString:
    # It is the text of a file of this program.
    return mark_safe(f"<style>{style()}</style>")


def _bars(head: Head) -> list[Bar]:
    return [Bar(str(verdict.label), head.counts.get(verdict, 0),
                round(100 * head.counts.get(verdict, 0) / head.pairs, 1) if head.pairs else 0.0, css)
            for verdict, css in _CLASSES.items()]


def _of(head: Head, pair: PairReport) -> dict:
    return {"head": head, "pair": pair, "css": _CLASSES.get(Verdict(pair.verdict), ""),
            "errors": pair.open(Severity.ERROR), "warnings": pair.open(Severity.WARNING),
            "notes": pair.open(Severity.NOTE),
            "unknown": len({code for each in pair.unjudged for code in each.codes})}
