"""What the Pair page shows of one pair, each part read when a template first asks for it."""

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.utils import timezone
from django.utils.functional import cached_property

from provisioning import permissions
from provisioning.errors import Refused
from provisioning.models import Application
from provisioning.permissions import actor_of
from provisioning.rules.guide import DONE, Step, procedure
from provisioning.rules.pair_facts import MemberFacts, PairFacts
from provisioning.rules.pair_story import NOT_PROVEN, Badge, Headline, badge, headline, paused_sentence, why_not
from provisioning.rules.proofs import Proof, proofs_of
from provisioning.selectors import pair_guide
from provisioning.selectors import pair_page as selector
from provisioning.services import pairs as services
from provisioning.states import Mode
from provisioning.views.context import sentence_for

TIMELINE = 20
NEEDS = {"switchover": permissions.OPERATE, "pause": permissions.OPERATE, "resume": permissions.OPERATE,
         "start": permissions.OPERATE, "promote": permissions.ACCEPT_LOSS, "synchronize": permissions.CONFIGURE}
"""{verb of rules.pair_story: permission}."""


@dataclass(frozen=True)
class Card:
    """One member. ``assigned`` is its role by control's record, "" while there is none."""

    facts: MemberFacts
    row: Application
    assigned: str
    is_standby: bool
    badge: Badge

    @property
    def discarded_place(self) -> str:
        """Where the records of a divergent tail are on the host."""
        return f"{self.facts.working_directory}/data/discarded-….jsonl"

    @property
    def disagrees(self) -> bool:
        """The server reports another role than control's record assigns."""
        return bool(self.assigned and self.facts.mode in (Mode.PRIMARY, Mode.BACKUP) and
                    self.facts.mode != self.assigned)


class PairPage:
    """One request's view of a pair, or of a server without a Backup Server (``backup`` None). Raises NotFound."""

    def __init__(self, request, pk: int):
        self._request, self._actor = request, actor_of(request)
        self.primary, self.backup = selector.pair_rows(pk)
        self._proofs: dict[str, Proof] = {}
        self._unproven = "Nothing was asked yet."
        self.probed_at: datetime | None = None

    @property
    def pk(self) -> int:
        return self.primary.pk

    @property
    def members(self) -> list[Application]:
        return [row for row in (self.primary, self.backup) if row]

    @property
    def topics(self) -> str:
        return " ".join((*(f"application:{row.pk}" for row in self.members), f"pair:{self.pk}"))

    # --- what is going on

    @cached_property
    def facts(self) -> PairFacts:
        return selector.pair_facts(self.pk)

    @cached_property
    def headline(self) -> Headline:
        return headline(self.facts)

    @property
    def paused(self) -> str:
        return paused_sentence(self.facts)

    @property
    def story(self) -> str:
        """Changes exactly when something happened that a listener has to be told."""
        facts = self.facts
        modes = " ".join(f"{member.mode or member.status}" for member in facts.members)
        return f"{facts.active_id}/{facts.epoch}/{modes}/{facts.in_sync}/{facts.automatic_failover}"

    @cached_property
    def why_not(self) -> dict[str, str]:
        """{verb: why this user cannot do it, or why it cannot be done now}."""
        roles = {verb: sentence_for(need) for verb, need in NEEDS.items() if not self._actor.may(need)}
        return why_not(self.facts) | roles

    @property
    def can_be_promoted(self) -> bool:
        """Whether the page offers the lossy way at all: only while nobody serves and the standby is not in sync."""
        active = self.facts.active
        return self.backup is not None and active is not None and not active.serves and not self.facts.in_sync

    @property
    def promote_label(self) -> str:
        return f"Promote {self.facts.standby.name}"

    @cached_property
    def cards(self) -> list[Card]:
        facts = self.facts
        return [Card(member, row, self._assigned(member), member is facts.standby, self._badge(member))
                for member, row in zip(facts.members, self.members, strict=False)]

    def _assigned(self, member: MemberFacts) -> str:
        if self.facts.active_id is None or self.backup is None:
            return ""
        return str(Mode.PRIMARY if member.id == self.facts.active_id else Mode.BACKUP)

    def _badge(self, member: MemberFacts) -> Badge:
        if self._unproven:
            return Badge(NOT_PROVEN, "Not proven", self._unproven)
        return badge(self.facts, member, self._proofs.get(member.name))

    def probe(self) -> None:
        """Let both members prove their roles now; the cards then show what came of it."""
        self.probed_at = timezone.now()
        try:
            answer = services.probe(actor=self._actor, application_id=self.pk)
            self._proofs, self._unproven = proofs_of(answer.facts), ""
        except Refused as error:
            self._unproven = str(error)

    # --- the guide's procedure

    @cached_property
    def candidates(self) -> list[Application]:
        """Servers that could become the Backup Server; only asked for while there is none."""
        return [] if self.backup else selector.backup_candidates(self.primary)

    @cached_property
    def candidate(self) -> Application | None:
        """The one that was chosen in the address (``?candidate=``), or the only one."""
        chosen = self._request.GET.get("candidate", "")
        found = next((row for row in self.candidates if str(row.pk) == chosen), None)
        return found or (self.candidates[0] if len(self.candidates) == 1 else None)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        meant = self.backup or self.candidate
        facts = pair_guide.guide_facts(
            self.facts, self.primary, meant, differences=None, missing=(),
            meant=selector.member_facts(self.candidate.pk) if self.candidate else None)
        return procedure(facts)

    @property
    def steps_done(self) -> int:
        return sum(step.state == DONE for step in self.steps)

    @property
    def is_complete(self) -> bool:
        return self.steps_done == len(self.steps)

    # --- the timeline

    @cached_property
    def timeline(self) -> Page:
        everything = self._request.GET.get("events") == "all"
        rows = selector.pair_events(self.primary, self.backup, everything=everything)
        return Paginator(rows, TIMELINE).get_page(self._request.GET.get("page", 1))

    @property
    def shows_everything(self) -> bool:
        return self._request.GET.get("events") == "all"
