"""The audit's results for people and programs outside: one report, written in several formats. Each writer is pure and
yields text as the pairs come, so that thousands need no more memory than one."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from provisioning.audit import rules  # noqa: F401 the rules register themselves

from . import csv_rows, html_page, json_document, junit, plain, sarif
from .report import Head, PairReport

Writer = Callable[[Head, Iterable[PairReport]], Iterator[str]]


@dataclass(frozen=True)
class Format:
    """``suffix``: of the file that it becomes."""

    label: str
    suffix: str
    content_type: str
    write: Writer


FORMATS: dict[str, Format] = {
    "html": Format("Report (HTML)", "html", "text/html; charset=utf-8", html_page.write),
    "csv": Format("CSV", "csv", "text/csv; charset=utf-8", csv_rows.write),
    "json": Format("JSON", "json", "application/json", json_document.write),
    "sarif": Format("SARIF 2.1.0", "sarif", "application/sarif+json", sarif.write),
    "junit": Format("JUnit XML", "xml", "application/xml", junit.write),
}
"""What pages and ``manage.py audit`` offer, by the word in the address."""
TEXT = Format("Text", "txt", "text/plain; charset=utf-8", plain.write)
"""What ``manage.py audit`` prints."""
