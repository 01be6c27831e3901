"""What every page of the frame needs: sections, tree, troubles, and how this reader wants it to look."""

from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from protocol.version import VERSION
from provisioning.accounts.views.one_sign_in import must_change
from provisioning.accounts.views.session_life import left_s
from provisioning.alarms.selectors.waiting import Waiting, waiting
from provisioning.audit.story import counted
from provisioning.certificates.selectors import console_certificate
from provisioning.core.control import control_seen
from provisioning.core.database_trouble import AWAY, Trouble
from provisioning.core.database_version import look, trouble_with
from provisioning.core.known import Control
from provisioning.core.permissions import VERBS, VIEW, actor_of, sentence_for
from provisioning.logs.selectors.reader import silent_since
from provisioning.manual.facts import address_of, chapter_of
from provisioning.models.applications import SECRET_WORDS
from provisioning.navigation import LISTS_BETWEEN, LISTS_WITHIN, NAVIGATION, Item, Section
from provisioning.pairs.selectors.page import Paused, paused_pairs
from provisioning.pairs.selectors.restored import Disputed, disputed
from provisioning.web.display import CHOICES
from provisioning.web.lists import back_to, list_name, opened_from, parts_of
from provisioning.web.saved import SAVED

DISPUTED_MAX = 3
"""So many are named in the banner; then it leads to all of them."""
SCRIPTS = ("js/back.js", "js/frame.js", "js/session.js", "js/answers.js", "js/drafts.js", "js/dialog.js", "js/forms.js",
           "js/copy.js", "js/grid.js", "js/filters.js", "js/live.js", "js/alarms.js", "js/passkeys.js")


class Frame:
    """The frame of one request; everything is worked out when a template first asks, so fragments pay nothing."""

    scripts, secret_words, saved_cookie, version = SCRIPTS, SECRET_WORDS, SAVED, VERSION

    def __init__(self, request):
        self._request, self._trouble = request, Trouble(AWAY)
        match = getattr(request, "resolver_match", None)
        self._here = (match.url_name if match else "") or ""

    @cached_property
    def path(self) -> str:
        """Of the page; a part that a script asks for stands on the page that the script names."""
        by_script = getattr(self._request, "htmx", None)
        parts = parts_of(by_script.current_url or "") if by_script else None
        return parts.path if parts else self._request.path

    @property
    def now_ms(self) -> int:
        """When this page was made, Unix ms: the live stream begins there."""
        return int(timezone.now().timestamp() * 1000)

    @property
    def session_left_s(self) -> int:
        return left_s(self._request.session, timezone.now())

    def _choice(self, name: str) -> str:
        value = self._request.COOKIES.get(f"pairwise_{name}", "")
        return value if value in CHOICES[name] else CHOICES[name][0]

    @property
    def theme(self) -> str:
        return self._choice("theme")

    @property
    def size(self) -> str:
        return self._choice("size")

    @property
    def tree(self) -> str:
        return self._choice("tree")

    @cached_property
    def sections(self) -> list[dict]:
        return [self._section(section) for section in NAVIGATION]

    def _section(self, section: Section) -> dict:
        groups: list[dict[str, Any]] = [
            {"label": label, "items": [
                {"label": item.label, "icon": item.icon, "address": reverse(item.name), "current": self._is_on(item)}
                for item in items
            ]}
            for label, items in section.groups
        ]
        items = [item for group in groups for item in group["items"]]
        return {"label": section.label, "groups": groups, "address": items[0]["address"],
                "current": any(item["current"] for item in items), "alarm": self._alarm(section)}

    def _alarm(self, section: Section) -> tuple[int, str]:
        """(number, its words); (0, "") for none."""
        if section.alarm is None or not self.may[VIEW]:
            return 0, ""
        count, word = section.alarm
        number = count(self)
        return number, counted(number, word) if number else ""

    def _is_on(self, item: Item) -> bool:
        return self._here.startswith(item.owns)

    @cached_property
    def trail(self) -> list[tuple[str, str]]:
        """Breadcrumb of the page's place in the tree: section, group, page, each with the address to which it leads, ""
        for none. The page leads to its list as it was; what is behind it adds its own."""
        for section in NAVIGATION:
            for group, items in section.groups:
                for item in items:
                    if self._is_on(item):
                        behind = "" if self._here == item.name else back_to(self._request, item.name)
                        return [*((word, "") for word in (section.label, group) if word), (item.label, behind),
                                *((word, back_to(self._request, name)) for name, word in self._between.items())]
        return []

    @cached_property
    def _between(self) -> dict[str, str]:
        """{list: word} of the list between the page of the tree and this page, where there is one."""
        return {name: word for name, (beginning, word) in LISTS_BETWEEN.items()
                if self._here != name and self._here.startswith(beginning)}

    @property
    def help(self) -> str:
        """Where the documentation is about this page; "" in the documentation itself, and for who may not read it."""
        if self._here.startswith("manual") or not self.may[VIEW]:
            return ""
        path, sign, heading = chapter_of(self._here).partition("#")
        return reverse("manual") + address_of(path) + sign + heading

    @cached_property
    def came_from(self) -> tuple[str, str] | None:
        """(name, address) of the list that this page was opened from, where its breadcrumb leads to another one."""
        address = opened_from(self._request)
        name, items = list_name(address), [item for section in NAVIGATION for _, group in section.groups
                                           for item in group]
        if not name or self._here == name or name in self._between or any(self._here == item.name for item in items):
            return None
        if any(item.name == name and self._is_on(item) for item in items):
            return None
        return LISTS_WITHIN.get(name) or next(item.label for item in items if item.name == name), address

    @cached_property
    def roles(self) -> str:
        return ", ".join(sorted(actor_of(self._request).roles))

    @cached_property
    def may(self) -> dict[str, bool]:
        """{verb of provisioning.core.permissions: allowed for this user}."""
        actor = actor_of(self._request)
        return {verb: actor.may(verb) for verb in VERBS}

    @property
    def is_live(self) -> bool:
        """Whether this page may hear what changes (web.stream)."""
        return self.may[VIEW] and not must_change(self._request)

    @cached_property
    def why_not(self) -> dict[str, str]:
        """{verb: the sentence that says why this user may not}; verbs that are allowed are missing."""
        return {verb: sentence_for(verb) for verb, allowed in self.may.items() if not allowed}

    @cached_property
    def alarms(self) -> Waiting:
        """How many alarms there are, and the gravest that nobody has acknowledged: every page says so."""
        return waiting() if self.may[VIEW] else Waiting()

    @cached_property
    def nobody_told_since(self) -> datetime | None:
        """Since when no alarm is raised and nobody is told, as the log reader does not answer: every page says so."""
        return silent_since() if self.may[VIEW] else None

    @cached_property
    def paused(self) -> list[Paused]:
        """Pairs whose automatic failover is paused: every page says so."""
        return paused_pairs() if self.may[VIEW] else []

    @cached_property
    def disputed(self) -> list[Disputed]:
        """The first of what is in dispute since an older database was put back: every page says so."""
        return disputed(limit=DISPUTED_MAX + 1) if self.may[VIEW] else []

    @cached_property
    def control(self) -> Control | None:
        """Its last sign of life; None when the Configuration Database does not tell it."""
        try:
            return control_seen()
        except DatabaseError as error:
            self._trouble = trouble_with(error) or Trouble(AWAY)
            return None

    @cached_property
    def troubles(self) -> list[str]:
        """Sentences for the banner: what of the console itself does not answer."""
        if self.control is None:
            return [f"{self._trouble.explained} What is shown may be old."]
        version = look.trouble()
        found = [f"{version.explained} Until then nothing can be changed here."] if version else []
        if self.control.is_ahead:
            found.append(f"{self.control.silence} Until it shows another one statuses are not known.")
        elif not self.control.answers:
            found.append("Control does not answer: statuses are not known, and nothing fails over. Servers that run "
                         "keep running.")
        elif self.control.is_behind:
            found.append(self.control.silence)
        certificate = console_certificate()
        if certificate and certificate.urgency in ("urgent", "expired"):
            found.append(f"{certificate.sentence} Hosts and servers do not trust an expired one. "
                         "./run manage check says what to do.")
        return found


def frame(request) -> dict:
    """Context processor."""
    return {"frame": Frame(request)}
