"""What every page writes the same way: icons, state chips, times, durations."""

from datetime import UTC, datetime
from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from protocol.events import STANDARD, Own, written
from provisioning.core import ages
from provisioning.core.control import word_of
from provisioning.core.text import duration, so_far, strange
from provisioning.glossary import TERMS, anchor
from provisioning.states import ApplicationStatus as A
from provisioning.states import DrillState as D
from provisioning.states import HostStatus as H
from provisioning.states import JobState as J
from provisioning.states import Mode
from provisioning.states import StepState as S

from . import choices, lists

register = template.Library()
register.filter(duration)
register.filter(so_far)
register.filter(strange)

SPRITE = "vendor/bootstrap-icons/sprite.svg"

OK, MOVING, RISK, BROKEN, IDLE, NEW, UNKNOWN = "ok", "moving", "risk", "broken", "idle", "new", "unknown"
CHIPS: dict[str, tuple[str, str]] = {
    A.STARTED: (OK, "check-circle-fill"),
    A.STOPPED: (IDLE, "stop-circle"),
    A.STOP_PENDING: (MOVING, "hourglass-split"),
    A.START_PENDING: (MOVING, "hourglass-split"),
    A.INITIALIZING: (MOVING, "arrow-repeat"),
    A.SERVICE_UNAVAILABLE: (RISK, "exclamation-triangle-fill"),
    A.SUSPENDING: (MOVING, "pause-circle"),
    A.SUSPENDED: (RISK, "pause-circle"),
    A.GAVE_UP: (BROKEN, "x-octagon-fill"),
    A.UNKNOWN: (UNKNOWN, "question-circle"),
    H.RUNNING: (OK, "check-circle-fill"),
    H.DISCONNECTED: (BROKEN, "plug"),
    H.UNAVAILABLE: (BROKEN, "x-circle-fill"),
    H.UNREACHABLE: (BROKEN, "x-circle-fill"),
    J.QUEUED: (IDLE, "hourglass-split"),
    J.CLAIMED: (MOVING, "arrow-repeat"),
    J.RUNNING: (MOVING, "arrow-repeat"),
    J.SUCCEEDED: (OK, "check-circle-fill"),
    J.FAILED: (BROKEN, "x-circle-fill"),
    J.ERROR: (BROKEN, "x-octagon-fill"),
    J.CANCELLED: (IDLE, "slash-circle"),
    J.LOST: (RISK, "question-circle"),
    D.PASSED: (OK, "check-circle-fill"),
    D.REFUSED: (RISK, "slash-circle"),
    D.INTERRUPTED: (RISK, "exclamation-triangle-fill"),
    S.WAITING: (IDLE, "circle"),
    S.DONE: (OK, "check-circle-fill"),
    S.SKIPPED: (IDLE, "dash-circle"),
    Mode.PRIMARY: ("primary", "star-fill"),
    Mode.BACKUP: ("backup", "shield-check"),
    Mode.EXITING: (MOVING, "hourglass-split"),
    "Enabled": ("plain", "toggle-on"),
    "Disabled": (IDLE, "slash-circle"),
    "ok": (OK, "check-circle-fill"),
    "failed": (BROKEN, "x-circle-fill"),
    "late": (RISK, "stopwatch"),
    "unknown": (UNKNOWN, "question-circle"),
}
LABELS = {**dict(D.choices), **dict(J.choices), **dict(S.choices), "late": "Late", "ok": "OK", "unknown": "Unknown"}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the vendored sprite. Without ``label`` it is decoration, hidden from screen readers."""
    return _icon(static(SPRITE), name, label)


@lru_cache(maxsize=512)
def _icon(sprite: str, name: str, label: str) -> SafeString:
    # A page of the list shows several hundred icons and chips, and few different ones.
    address = f"{sprite}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, address)
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', address)


@register.simple_tag
def off(why: str | None) -> SafeString | str:
    """Attributes of a button or link that cannot be used now, with the sentence ``why``: on hover, as its description
    for screen readers, and beside it when it is pressed or has the focus by keyboard (static/js/frame.js). Nothing when
    ``why`` is empty. Without scripts it can be pressed, and the server says the same sentence."""
    return format_html(' aria-disabled="true" title="{}"', why) if why else ""


@register.inclusion_tag("web/_off_button.html")
def off_button(why: str, label: str, icon_name: str, *, quiet: bool = False, icon_only: bool = False):
    """A button that is off and stands in a fieldset that is disabled, where no real one could have the focus."""
    return {"why": why, "label": label, "icon_name": icon_name, "quiet": quiet, "icon_only": icon_only}


@register.simple_tag
def state_chip(state: str, heard_at: datetime | None = None, reason: str = "", label: str = "") -> SafeString:
    """Icon + word + colour of an application status, host status, mode, job or step state.

    ``heard_at``: when this was last said; a good state older than ages.SERVER is shown as not proven any more.
    ``reason``: the sentence shown on hover. An empty ``state`` gives a dash.
    """
    if not state:
        return format_html('<span class="muted" aria-label="none">{}</span>', "–")
    kind, icon_name = CHIPS.get(state, (UNKNOWN, "question-circle"))
    word = label or LABELS.get(state, str(getattr(state, "label", state)))
    if kind == OK and heard_at is not None and timezone.now() - heard_at > ages.SERVER:
        kind, icon_name = UNKNOWN, "question-circle"
        reason = f"Last heard {age(heard_at)}. {reason}".strip()
    return chip(kind, icon_name, word, strange(reason))


@register.simple_tag
def status_chip(row) -> SafeString:
    """The status of an application or a host as far as it is known (core.known), with the word that was known last."""
    word = word_of(row)
    shown = state_chip(word.status, row.runtime.heard_at if word.as_of else None, word.reason)
    return format_html('{} <span class="sub">was {}</span>', shown, word.last_status) if word.last_status else shown


@register.simple_tag
def status_reason(row) -> str:
    """Why an application or a host has its status, or what was known of it last."""
    return word_of(row).reason


def chip(kind: str, icon_name: str, word: str, reason: str = "") -> SafeString:
    """Icon + word + colour; ``reason`` is the sentence shown on hover."""
    return _chip(static(SPRITE), kind, icon_name, reason, word)


@lru_cache(maxsize=512)
def _chip(sprite: str, kind: str, icon_name: str, reason: str, word: str) -> SafeString:
    return format_html('<span class="chip chip-{}"{}>{}<span>{}</span></span>', kind,
                       format_html(' title="{}"', reason) if reason else "", _icon(sprite, icon_name, ""), word)


def age(at: datetime) -> str:
    """``2 s ago``; a time ahead of this machine's clock counts as now."""
    return f"{so_far(timezone.now() - at)} ago"


@register.simple_tag
def ago(at: datetime | None, never: str = "never") -> SafeString:
    """``2 s ago`` that the page keeps counting, with the time in UTC on hover."""
    if at is None:
        return format_html('<span class="muted">{}</span>', never)
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', at.isoformat(), utc(at), age(at))


@register.simple_tag
def lasting(at: datetime) -> SafeString:
    """``2 s``, since ``at``, that the page keeps counting, with the time in UTC on hover."""
    return format_html('<time datetime="{}" title="{}" data-so-far>{}</time>', at.isoformat(), utc(at),
                       so_far(timezone.now() - at))


@register.simple_tag
def when(at: datetime | None, never: str = "–", *, milliseconds: bool = False) -> SafeString:
    """Date and time in the reader's own zone (the page's script converts), with UTC on hover."""
    if at is None:
        return format_html('<span class="muted">{}</span>', never)
    shown = timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S")
    if milliseconds:
        return format_html('<time datetime="{}" title="{}" data-local data-milliseconds>{}</time>',
                           at.isoformat(), utc(at), f"{shown}.{at.microsecond // 1000:03}")
    return format_html('<time datetime="{}" title="{}" data-local>{}</time>', at.isoformat(), utc(at), shown)


def utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@register.filter
def get(mapping, key):
    """``mapping[key]`` in a template; None when it is missing."""
    return mapping.get(key) if mapping else None


@register.simple_tag
def term(name: str, shown: str = "", *, of: object = "") -> SafeString:
    """A word of the glossary that says on hover what it means and leads there; ``shown`` instead of the term itself,
    ``of``: what tells it from the same word elsewhere on the page. Raises KeyError for a word that is not there."""
    return format_html('<a class="term" id="term-{}-{}" href="{}#{}" title="{}">{}</a>', anchor(name), of,
                       reverse("manual-document", args=["glossary"]), anchor(name), TERMS[name], shown or name)


register.filter("event_number", written)


@register.filter
def event_tone(row) -> str:
    """How loud an event or log record is shown: as its level says, but that an alarm was cleared is no trouble."""
    return STANDARD if row.number in (Own.ALARM_CLEARED, written(Own.ALARM_CLEARED)) else row.level


@register.filter
def split(text: str, separator: str) -> list[str]:
    return text.split(separator)


@register.simple_tag(takes_context=True)
def choices_of(context, field, row=None) -> choices.Choices:
    """What a field that names another object can be set to, for a plain <select>: what was looked for beside it
    (``find-`` and the field's name in what was posted), else the first ones."""
    request = context.get("request")
    text = request.POST.get(f"find-{field.html_name}", "")[:255] if request else ""
    return choices.choices(field.name, text=text, chosen=str(field.value() or ""), but=row.pk if row else None)


@register.filter
def is_check(field) -> bool:
    """Whether a bound field is one box to tick, whose help stands beside it; that of several stands below them."""
    return getattr(field.field.widget, "input_type", "") == "checkbox" and not field.use_fieldset


@register.filter
def is_marked_required(field) -> bool:
    """Whether a form field gets the asterisk: its ``must`` where it has one (web.fields), else ``required``."""
    return getattr(field, "must", field.required)


@register.filter
def begins_with(message, label) -> bool:
    """Whether a sentence begins with the name that would be set before it, so that it is not said twice."""
    text, name = str(conditional_escape(message)), str(conditional_escape(label))
    return bool(name) and text.startswith(name) and not text[len(name):len(name) + 1].isalnum()


@register.filter
def after(message, label) -> SafeString:
    """What is left of a sentence that begins with ``label``."""
    # The whole of it was escaped, and a name is no part of a tag.
    return mark_safe(str(conditional_escape(message))[len(str(conditional_escape(label))):])


@register.simple_tag(takes_context=True)
def query(context, **changes) -> str:
    """The address' query string with ``changes``; an empty value removes its name. Begins with ``?``."""
    values = context["request"].GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value not in (None, ""):
            values[name] = value
    encoded = values.urlencode()
    return f"?{encoded}" if encoded else "?"


@register.simple_tag(takes_context=True)
def onward(context, name: str, *args, **query) -> str:
    """Like ``url``, for a page behind a list: of a row, or of what belongs to a page that was opened from there."""
    return lists.onward(context["request"], name, *args, **query)


@register.simple_tag(takes_context=True)
def posts(context, to: str, *args) -> str:
    """Attributes of a dialog's form: a script posts it and shows the answer in the dialog; one that is a page, as its
    address was opened, is posted as a page. ``to``: an address of this console, or the name of one as ``onward`` takes
    it."""
    request = context["request"]
    address = to if to.startswith("/") else lists.onward(request, to, *args)
    if not request.htmx:
        return format_html('method="post" action="{}"', address)
    return format_html('method="post" action="{0}" hx-post="{0}" hx-target="#dialog-content" '
                       'hx-disabled-elt="find button.button:not([type=button])"', address)


@register.simple_tag(takes_context=True)
def back_to(context, name: str, *args) -> str:
    """Like ``url``, for a list: as it was when this page was opened from it."""
    return lists.back_to(context["request"], name, *args)


@register.simple_tag(takes_context=True)
def leave_for(context, name: str, saved="") -> str:
    """Like ``url``, for what leaves an editor: the list that it was opened from, else the list ``name``."""
    return lists.leave_for(context["request"], name, saved=saved)


LEVEL_ICONS = {OK: "check-circle-fill", MOVING: "arrow-repeat", RISK: "exclamation-triangle-fill",
               BROKEN: "x-octagon-fill", IDLE: "stop-circle", NEW: "circle", UNKNOWN: "question-circle"}
LEVEL_WORDS = {OK: "All well", MOVING: "In progress", RISK: "At risk", BROKEN: "Broken", IDLE: "At rest",
               NEW: "Not set up yet", UNKNOWN: "Not known"}


@register.simple_tag
def level_icon(level: str):
    """The icon of a level in its colour, with its word for those who do not see it."""
    return format_html('<span class="level level-{}">{}</span>', level, icon(LEVEL_ICONS[level], LEVEL_WORDS[level]))


@register.simple_tag
def level_chip(level: str, word: str, reason: str = ""):
    return chip(level, LEVEL_ICONS[level], word, reason)
