"""Charts of a server, a pair and a host: a page, and its content alone for a script."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DatabaseError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from provisioning.applications.selectors.applications import get_application
from provisioning.core.database_trouble import AWAY, Trouble
from provisioning.core.database_version import trouble_with
from provisioning.core.text import key_of
from provisioning.hosts.selectors.hosts import get_host
from provisioning.logbook.models import ALIAS
from provisioning.models import Application, Host
from provisioning.pairs.selectors.page import pair_rows
from provisioning.web.pages import page
from provisioning.web.tags import when

from .facts import HOST, LONG_KEPT_S, SERVER
from .rules.drawing import HEIGHT, TIMES, WIDTH, Chart, Member, across, chart, member, missing
from .rules.plots import PLOTS
from .rules.ranges import RANGES, Window, window
from .selectors.kept import TOPIC, figures_of
from .selectors.marks import LABELS, Marks, marks_of

GAPS_SHOWN = 12
NONE_OF = "Pairwise does not start {}, so there are no figures of it."
FIGURES = "the log database, which holds the figures,"
WITHOUT_IT = "Monitoring says more. Servers and pairs do without it."


@dataclass(frozen=True)
class Shown:
    """What charts are of: ``rows`` of one ``kind``; ``name_of_page`` and ``back`` name the addresses of their own page
    and of where it leads back to, of which ``tab`` may be a part."""

    kind: str
    rows: Sequence[Application] | Sequence[Host]
    name_of_page: str
    back: str
    tab: str = ""

    @property
    def name(self) -> str:
        return " ⇄ ".join(str(row) for row in self.rows)

    @property
    def key(self) -> int:
        """Of the address."""
        return self.rows[0].pk


@require_safe
@page()
def application_charts(request, pk: int):
    row = get_application(pk)
    if not row.is_runnable:
        raise Http404(NONE_OF.format(row.name))
    return _answer(request, Shown(SERVER, [row], "application-charts", "application-edit", tab="charts"))


@require_safe
@page()
def pair_charts(request, pk: int):
    """Both members in each chart; a backup leads to its primary's."""
    rows = [row for row in pair_rows(pk) if row]
    if not rows[0].is_runnable:
        raise Http404(NONE_OF.format(rows[0].name))
    if not rows[0].is_primary:
        return redirect("pair-charts", rows[0].primary_server.pk)
    return _answer(request, Shown(SERVER, rows, "pair-charts", "pair-detail"))


@require_safe
@page()
def host_charts(request, pk: int):
    return _answer(request, Shown(HOST, [get_host(pk)], "host-charts", "host-detail"))


def _answer(request, shown: Shown) -> HttpResponse:
    now = int(time.time())
    asked = window(request.GET.get("range", ""), key_of(request.GET.get("until")), now)
    context = _around(shown, asked, now)
    try:
        context |= _content(shown, asked)
    except DatabaseError as error:
        trouble = trouble_with(error, ALIAS) or Trouble(AWAY)
        context["away"] = f"{trouble.sentence_of(FIGURES)[:-1]}: {WITHOUT_IT}"
    context["in_tab"] = request.GET.get("in") == "tab"
    part = bool(request.htmx) and not request.htmx.history_restore_request
    answer = render(request, "charts/_charts.html" if part else "charts/page.html", context)
    answer.headers["Vary"] = "HX-Request"
    return answer


def _around(shown: Shown, asked: Window, now: int) -> dict[str, Any]:
    return {
        "shown": shown, "window": asked, "topic": TOPIC, "ranges": RANGES.values(), "width": WIDTH, "height": HEIGHT,
        "earlier": asked.earlier if asked.since > now - LONG_KEPT_S else None,
        "since": _moment(asked.since), "until": _moment(asked.until),
        "times": [_moment(asked.since + (asked.until - asked.since) * n // (TIMES - 1)) for n in range(TIMES)]}


def _content(shown: Shown, asked: Window) -> dict[str, Any]:
    """Raises DatabaseError."""
    members = [_member(shown.kind, row, asked) for row in shown.rows]
    charts = [chart(plot, members, asked) for plot in PLOTS[shown.kind]]
    marks = marks_of(shown.rows, _moment(asked.since), _moment(asked.until))
    return {"charts": charts, "members": members, "marks": marks, "labels": LABELS, "lines": _placed(marks, asked),
            "clock": _clock(charts), "gaps": _gaps(members, asked)}


def _member(kind: str, row: Application | Host, asked: Window) -> Member:
    """Of an object that had the same key before, in a database that was put back, nothing is shown."""
    since = max(asked.since, int(row.created_at.timestamp()))
    return member(kind, str(row), figures_of(kind, row.pk, step=asked.stored, since=since, until=asked.until), asked)


def _placed(marks: Marks, asked: Window) -> list[tuple[float, Any]]:
    return [(across(mark.at.timestamp(), asked), mark) for mark in marks.rows]


def _clock(charts: Sequence[Chart]) -> dict[int, SafeString]:
    """{time of a row: as it is shown}, once for all tables."""
    return {at: when(_moment(at)) for at in {row.at for each in charts for row in each.rows}}


def _gaps(members: Sequence[Member], asked: Window) -> dict[str, Any]:
    """The newest times without figures, of each member."""
    found = sorted(((each.name, gap) for each in members for gap in missing(each, asked)),
                   key=lambda row: row[1].since, reverse=True)
    return {"rows": [(name, _moment(gap.since), _moment(gap.until), gap.why) for name, gap in found[:GAPS_SHOWN]],
            "total": len(found), "more": len(found) > GAPS_SHOWN}


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
