"""What the pages of pairs write: levels, the sync link, the buttons of the verbs and of the guide's steps."""

from urllib.parse import urlencode

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html

from provisioning.applications.selectors import applications
from provisioning.core import permissions
from provisioning.core.control import control_of
from provisioning.glossary import TERMS
from provisioning.jobs.selectors import readiness
from provisioning.models import Application
from provisioning.states import SyncLink
from provisioning.web.tags import BROKEN, IDLE, LEVEL_ICONS, OK, RISK, UNKNOWN, icon
from provisioning.web.tags import chip as make_chip

from .rules.facts import PairFacts
from .rules.guide import DONE, NOT_DONE, NOT_KNOWN, WRONG, Button

register = template.Library()

LINKS = {SyncLink.SYNCED: (OK, "In sync"), SyncLink.CATCHING_UP: (RISK, "Catching up"),
         SyncLink.DOWN: (BROKEN, "Broken"), "": (UNKNOWN, "No link")}
STEPS = {DONE: (OK, "check-circle-fill"), NOT_DONE: (IDLE, "circle"), WRONG: (BROKEN, "x-circle-fill"),
         NOT_KNOWN: (UNKNOWN, "question-circle")}


@register.simple_tag
def link_chip(facts: PairFacts):
    """The sync link: icon, word, colour. Without control's word for it nobody may call copies in sync, or behind."""
    level, word = (UNKNOWN, "In dispute") if facts.disputed else LINKS[facts.link]
    return make_chip(level, {OK: "link-45deg", BROKEN: "plug"}.get(level, LEVEL_ICONS[level]), word,
                     facts.link_reason or TERMS.get(word, ""))


@register.simple_tag
def step_chip(state: str):
    level, name = STEPS[state]
    return make_chip(level, name, state.capitalize())


@register.simple_tag
def step_icon(state: str):
    return icon(STEPS[state][1], state.capitalize())


@register.filter
def count(number: int, what: str) -> str:
    """``1 record``, ``1,200 records``."""
    return f"{intcomma(number)} {what}{'' if number == 1 else 's'}"


@register.inclusion_tag("pairs/_diff.html")
def diff(text: str, name: str):
    """A unified diff of the file ``name``, its lines coloured; the sign in front says the same without colour."""
    kinds = {"+": "diff-new", "-": "diff-old"}
    return {"lines": [(kinds.get(line[:1], "diff-same"), line) for line in text.splitlines()], "name": name}


@register.inclusion_tag("pairs/_button.html")
def pair_button(pair, verb: str, label: str, icon_name: str, *, primary: bool = False, danger: bool = False,
                small: bool = False):
    """A button of the page's toolbar: asks in the dialog; off, it says why."""
    return {"address": reverse(f"pair-{verb}", args=[pair.pk]), "verb": verb, "label": label,
            "icon_name": icon_name, "why": pair.why_not.get(verb, ""),
            "look": "button-danger" if danger else "button-primary" if primary else "button-small" if small else ""}


_STEP_PAGES = {"new": ("application-new", permissions.CONFIGURE), "edit": ("application-edit", permissions.VIEW),
               "job": ("job-detail", permissions.VIEW), "console": ("monitoring", permissions.VIEW),
               "hosts": ("host-list", permissions.VIEW)}
_STEP_DIALOGS = {"clone": ("application-clone", permissions.CONFIGURE),
                 "install": ("application-install", permissions.INSTALL),
                 "synchronize": ("pair-synchronize", permissions.CONFIGURE),
                 "resume": ("pair-resume", permissions.OPERATE),
                 "repair-start-files": ("application-start-files", permissions.VIEW)}
_STEP_FORMS = {"start": ("application-action", permissions.OPERATE),
               "stop": ("application-action", permissions.OPERATE),
               "check-start-files": ("application-start-files", permissions.OPERATE)}


@register.inclusion_tag("pairs/_guide_button.html", takes_context=True)
def guide_button(context, pair, button: Button):
    """What does a step of the guide: a page, a dialog or a verb, whichever ``button.verb`` is."""
    places = _STEP_PAGES | _STEP_DIALOGS | _STEP_FORMS
    name, need = places[button.verb]
    here = reverse("pair-detail", args=[pair.pk])
    form = []
    if button.verb in ("console", "hosts"):
        address = reverse(name)
    elif button.verb == "new":
        address = f"{reverse(name)}?template={pair.primary.template_id}"
    elif button.verb in ("start", "stop"):
        keys = [("ids", key) for key in button.key.split()]
        address, form = reverse(name), [("verb", button.verb), ("next", here), ("stay", "1"), *keys]
    elif button.verb == "check-start-files":
        address, form = reverse(name, args=[button.key]), [("verb", "check"), ("next", here)]
    elif button.verb == "repair-start-files":
        address = f"{reverse(name, args=[button.key])}?{urlencode({'next': here})}"
    else:
        address = reverse(name, args=[button.key])
    asks = button.verb in _STEP_DIALOGS or button.verb == "stop"
    return {"button": button, "address": address, "form": form, "asks": asks,
            "why": _why_not(pair, button) or context["frame"].why_not.get(need, ""),
            "id": f"guide-{button.verb}-{button.key.replace(' ', '-')}", "csrf_token": context.get("csrf_token")}


def _why_not(pair, button: Button) -> str:
    """Why this user cannot do what the button does, or why it cannot be done now; of a page that is opened, ""."""
    kind = button.verb.replace("-", "_")
    if kind in readiness.OF_MEMBERS:
        return pair.why_not_all(kind, [int(key) for key in button.key.split()])
    return pair.why_not.get(button.verb, "") if button.verb in ("resume", "synchronize") else ""


@register.inclusion_tag("pairs/_guide_button.html", takes_context=True)
def start_button(context, pair):
    """Start whichever member is stopped and can be."""
    able = [key for key in pair.stopped if not pair.why_not_one("start", key)] or pair.stopped
    label = "Start both" if len(able) > 1 else f"Start {next(m.name for m in pair.facts.members if m.id == able[0])}"
    return guide_button(context, pair, Button("start", label, " ".join(map(str, able)))) | {
        "big": True, "primary": pair.starts_first}


@register.simple_tag
def pair_of(row: Application) -> Application | None:
    """The primary of the pair that ``row`` is a member of; None when it is in none, or of a type that is only kept."""
    if not row.is_runnable:
        return None
    return row if row.backup_server_id else getattr(row, "primary_server", None)


@register.simple_tag
def ports_wait(row: Application) -> str:
    """The sentence that a server runs on other Listening Ports than its object has; "" when it does not."""
    return applications.ports_wait(row)


@register.simple_tag
def sync_hint(row: Application, primary: Application):
    """Whether the standby has every message, by control's record, as an icon; nothing before anybody has served.
    ``row`` is the member of ``primary``'s pair that is shown."""
    state = getattr(primary, "pair_state", None)
    if state is None or state.active_id is None:
        return ""
    if not control_of(row).answers:
        level, name, words = UNKNOWN, "question-circle", "Not known whether in sync"
    elif state.standby_in_sync:
        level, name, words = OK, "link-45deg", "In sync"
    else:
        level, name, words = RISK, "exclamation-triangle-fill", "Not in sync"
    return format_html('<span class="level level-{}" title="{}">{}</span>', level, words, icon(name, words))
