"""What the pages of the audit write: verdicts, severities, values with what differs, charts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from provisioning.core.permissions import EXPORT
from provisioning.states import Severity, Verdict
from provisioning.web.tags import BROKEN, IDLE, OK, RISK, UNKNOWN, age, chip, icon, when

from .exports import FORMATS
from .registry import RULES
from .selectors import audits as selector
from .story import VERDICT_WORDS, differing, in_the_past, span, unknown_codes
from .trends import Chart

register = template.Library()

VERDICTS: dict[str, tuple[str, str]] = {
    Verdict.BROKEN: (BROKEN, "x-octagon-fill"), Verdict.AT_RISK: (RISK, "exclamation-triangle-fill"),
    Verdict.READY: (OK, "check-circle-fill")}
SEVERITIES: dict[str, tuple[str, str]] = {
    Severity.ERROR: (BROKEN, "x-circle-fill"), Severity.WARNING: (RISK, "exclamation-triangle-fill"),
    Severity.NOTE: (IDLE, "info-circle")}
RUNS_MISSED = 3
"""Green is for what was found a moment ago: a good verdict turns grey when so many runs on schedule did not come."""


@register.simple_tag
def verdict_chip(verdict: str, checked_at: datetime | None = None):
    """Icon + word + colour of a verdict; Ready only while it was checked lately."""
    level, name = VERDICTS.get(verdict, (UNKNOWN, "question-circle"))
    word = VERDICT_WORDS.get(verdict, verdict)
    ready_for = timedelta(minutes=RUNS_MISSED * settings.PAIRWISE_AUDIT_MINUTES)
    if level == OK and checked_at is not None and timezone.now() - checked_at > ready_for:
        return chip(UNKNOWN, "question-circle", word, f"Last checked {age(checked_at)}: it may be otherwise now.")
    return chip(level, name, word)


@register.simple_tag
def verdict_level(verdict: str) -> str:
    return VERDICTS.get(verdict, (UNKNOWN, ""))[0]


@register.simple_tag
def severity_chip(severity: str):
    level, name = SEVERITIES.get(severity, (UNKNOWN, "question-circle"))
    return chip(level, name, Severity(severity).label)


@register.simple_tag
def audit_of(primary_id: int) -> selector.Brief | None:
    """The verdict of a pair for other pages; None when it was never audited."""
    return selector.brief_of(primary_id)


@register.simple_tag
def rule_link(code: str):
    """The code as a link to its place in the catalogue, with the title on hover."""
    rule = RULES.get(code)
    if rule is None:
        return code
    return format_html('<a class="rule-code" href="{}#{}" title="{}">{}</a>', reverse("audit-rules"), code, rule.title,
                       code)


@register.filter
def milliseconds(number: int) -> str:
    """``85 ms``, ``4.2 s``."""
    return f"{number} ms" if number < 1000 else f"{number / 1000:.1f} s"


@register.simple_tag
def span_utc(since: datetime, until: datetime) -> str:
    """From when to when, in UTC, as plain text."""
    return span(since.astimezone(UTC), until)


@register.simple_tag
def from_to(since: datetime, until: datetime):
    """From when to when in the reader's own zone; a moment once."""
    if until.replace(microsecond=0) <= since.replace(microsecond=0):
        return when(since)
    return format_html("{} to {}", when(since), when(until))


@register.filter
def rules_unknown(unknown: list[dict]) -> int:
    """How many rules could not be judged."""
    return len(unknown_codes(unknown))


@register.inclusion_tag("audit/_versus.html")
def versus(values: Sequence[Sequence[str]], over: bool = False):
    """Two labelled values side by side, with what differs between them marked; ``over``: they are not so any more."""
    values = in_the_past(values) if over else values
    if len(values) != 2:
        return {"sides": [(label, text) for label, text in values]}
    pieces = differing(values[0][1], values[1][1])
    return {"sides": [(label, _marked(parts)) for (label, _), parts in zip(values, pieces, strict=True)]}


def _marked(parts: list[tuple[bool, str]]):
    return format_html_join("", "{}", ((format_html("<mark>{}</mark>", text) if differs else text,)
                                       for differs, text in parts))


@register.inclusion_tag("audit/_trend.html")
def trend(chart: Chart | None, title: str, name: str):
    """A step chart as SVG with a title, a description and the numbers as a table; nothing without a chart."""
    return {"chart": chart, "title": title, "name": name}


@register.inclusion_tag("audit/_export_menu.html", takes_context=True)
def export_menu(context, pk: int | None = None):
    """The menu of the formats that the audit is exported in: this pair ``pk`` or all of them; on the list what its
    filter shows."""
    chosen = context["form"].chosen() if "form" in context else {}
    query = f"?{urlencode(chosen)}" if chosen else ""
    groups = [("This pair", [(each.label, reverse("audit-pair-export", args=[pk, key]))
                             for key, each in FORMATS.items()])] if pk else []
    everything = [(each.label, reverse("audit-export", args=[key]) + query) for key, each in FORMATS.items()]
    return {"groups": [*groups, ("Pairs that the list shows" if query else "All pairs", everything)],
            "why": context["frame"].why_not.get(EXPORT, "")}


@register.simple_tag
def verdict_icon(verdict: str):
    level, name = VERDICTS.get(verdict, (UNKNOWN, "question-circle"))
    return format_html('<span class="level level-{}">{}</span>', level,
                       icon(name, VERDICT_WORDS.get(verdict, "Not known")))


@register.inclusion_tag("pairs/_button.html", takes_context=True)
def bundle_button(context, pk: int):
    """Asks which time a support bundle of the pair ``pk`` is to be about."""
    return {"address": reverse("pair-bundle", args=[pk]), "verb": "bundle", "label": "Support bundle",
            "icon_name": "download", "why": context["frame"].why_not.get(EXPORT, ""), "look": ""}
