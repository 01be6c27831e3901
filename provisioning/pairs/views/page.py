"""What the Pair page shows of one pair, each part read when a template first asks for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import cached_property

from provisioning.core import permissions
from provisioning.core.held import in_the_way, running_drill, under_way
from provisioning.core.permissions import actor_of, sentence_for
from provisioning.errors import Refused
from provisioning.jobs.kinds import KINDS
from provisioning.jobs.selectors import readiness
from provisioning.models import Application, Drill
from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.failover import would_failover_work
from provisioning.pairs.rules.failover_facts import Condition, FailoverVerdict
from provisioning.pairs.rules.guide import DONE, Button, Step, procedure
from provisioning.pairs.rules.members import Member
from provisioning.pairs.rules.proofs import Proof
from provisioning.pairs.rules.story import (
    BROKEN,
    NOT_PROVEN,
    OF_CONTROL,
    Badge,
    Headline,
    badge,
    headline,
    paused_sentence,
    why_none,
    why_not,
)
from provisioning.pairs.rules.synchronization import EQUAL, Row
from provisioning.pairs.selectors import guide as pair_guide
from provisioning.pairs.selectors import page as selector
from provisioning.pairs.selectors.pairs import OfPair, only_kept, paired
from provisioning.pairs.services import pairs as services
from provisioning.pairs.services import synchronize
from provisioning.pairs.services.synchronize import SynchronizePlan
from provisioning.states import ENDED, HostStatus, JobKind, Mode

TIMELINE, TIMELINE_FIRST = 20, 6
"""Rows of a page of the timeline; how many there are until somebody asks for more, as the page goes on below it."""
DEPLOYED_STEPS = 4
"""Of the guide's procedure: afterwards a pair is synchronized, started and proven again and again."""
PROBE_S = 4.0
"""How long a page waits for control; a member that does not answer takes it 3 s."""
MENDS = {"redundancy": ("edit", "Open the primary"), "started": ("start", "Start"),
         "automatic_failover": ("resume", "Resume"), "port_ids": ("synchronize", "Synchronize"),
         "version": ("edit", "Open the primary"), "control": ("console", "Look at the console"),
         "agents": ("hosts", "Open the hosts"), "auto_restart": ("edit", "Open the primary")}
"""{code of pairs.rules.failover: (verb, label) of the button that mends it}."""
PROVEN_LIVE = frozenset({"control", "proof"})
"""Conditions that only a probe answers."""
NEEDS = {"switchover": permissions.OPERATE, "pause": permissions.OPERATE, "resume": permissions.OPERATE,
         "start": permissions.OPERATE, "promote": permissions.ACCEPT_LOSS, "promote-active": permissions.ACCEPT_LOSS,
         "synchronize": permissions.CONFIGURE, "drill": permissions.DRILL, "bundle": permissions.EXPORT}
"""{verb of pairs.rules.story: permission}."""


@dataclass(frozen=True)
class Card:
    """One member. ``assigned`` is its role by control's record, "" while there is none."""

    facts: Member
    row: Application
    assigned: str
    is_standby: bool
    badge: Badge
    host_status: str
    """As far as it is known now."""
    why_not_certificates: str = ""

    @property
    def discarded_place(self) -> str:
        """Where the records of a divergent tail are on the host."""
        return f"{self.facts.working_directory}/data/discarded-….jsonl"

    @property
    def disagrees(self) -> bool:
        """The server reports another role than control's record assigns."""
        return bool(self.assigned and self.facts.mode in (Mode.PRIMARY, Mode.BACKUP) and
                    self.facts.mode != self.assigned)


class PairPage(OfPair):
    """One request's view of a pair, or of a server without a Backup Server (``backup`` None). ``rows``: both, when they
    have been read. Raises NotFound; Refused of what Pairwise only keeps."""

    def __init__(self, request, pk: int, rows: tuple[Application, Application | None] | None = None):
        self._request, self._actor = request, actor_of(request)
        self.primary, self.backup = rows or selector.pair_rows(pk)
        if not self.primary.is_runnable:
            raise Refused(only_kept(*self.members))
        self._probed: PairFacts | None = None
        self._proofs: Mapping[str, Proof] = {}
        self._unproven = "Nothing was asked yet."
        self.probed_at: datetime | None = None

    @property
    def topics(self) -> str:
        return " ".join((*(f"application:{row.pk}" for row in self.members), f"pair:{self.pk}"))

    @property
    def timeline_topics(self) -> str:
        return " ".join((self.topics, *(f"events:{row.pk}" for row in self.members)))

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
    def record_reason(self) -> str:
        """Why control decided so; it says nothing of what is going on while the active server does not serve."""
        active = self.facts.active
        return self.facts.reason if active is not None and active.serves and not self.facts.disputed else ""

    @property
    def story(self) -> str:
        """Changes exactly when something happened that a listener has to be told."""
        facts = self.facts
        modes = " ".join(f"{member.mode or member.status}" for member in facts.members)
        return f"{facts.active_id}/{facts.epoch}/{modes}/{facts.in_sync}/{facts.automatic_failover}/{facts.disputed}"

    @cached_property
    def why_not(self) -> dict[str, str]:
        """{verb: why this user cannot do it, or why it cannot be done now}."""
        roles = {verb: sentence_for(need) for verb, need in NEEDS.items() if not self._actor.may(need)}
        now = why_not(self.facts) | self._during_drill | {
            "drill": why_none(self.facts, self._running_drill), "start": self.why_not_all("start", self.stopped)}
        return {verb: sentence for verb, sentence in (now | roles).items() if sentence}

    @cached_property
    def _ready(self) -> dict[int, dict[str, str]]:
        """{application: {verb: why it cannot be done now}}, also of the server that is meant to be the backup."""
        rows = [row for row in (*self.members, self.candidate) if row]
        return readiness.why_not(rows, readiness.OF_MEMBERS)

    def why_not_one(self, verb: str, key: int) -> str:
        """Why this user cannot do ``verb`` (of ``readiness.OF_MEMBERS``) to one server, or why it cannot be done."""
        need = KINDS[verb].permission
        return self._ready.get(key, {}).get(verb, "") if self._actor.may(need) else sentence_for(need)

    def why_not_all(self, verb: str, keys: Iterable[int]) -> str:
        """As ``why_not_one`` when it can be done to none of several; "" when it can to one, or there is none."""
        said = [self.why_not_one(verb, key) for key in keys]
        return said[0] if said and all(said) else ""

    @property
    def stopped(self) -> list[int]:
        """Members of which no process runs."""
        return [member.id for member in self.facts.members if member.status in ENDED]

    @property
    def starts_first(self) -> bool:
        """Whether starting is what comes first: nobody serves, and there is somebody to start."""
        return self.headline.level == BROKEN and not self.facts.disputed and bool(self.stopped)

    # --- failover drills

    @cached_property
    def _any_drill(self) -> Drill | None:
        return running_drill()

    @property
    def drill(self) -> Drill | None:
        """The drill of this pair that runs now."""
        return self._any_drill if self._any_drill and self._any_drill.primary_id == self.pk else None

    @property
    def _running_drill(self) -> str:
        return under_way(self._any_drill) if self._any_drill else ""

    @property
    def _during_drill(self) -> dict[str, str]:
        if self.drill is None:
            return {}
        return dict.fromkeys(OF_CONTROL, in_the_way(self.drill).message)

    @property
    def can_be_promoted(self) -> bool:
        """Whether the page offers the lossy way at all: only while nobody serves and the standby is not in sync."""
        active = self.facts.active
        return (self.backup is not None and active is not None and not active.serves and not self.facts.in_sync
                and not self.facts.disputed)

    @property
    def promote_label(self) -> str:
        standby = self.facts.standby
        return f"Promote {standby.name}" if standby else ""

    @property
    def promote_active_label(self) -> str:
        active = self.facts.active
        return f"Promote {active.name} as it is" if active else ""

    @cached_property
    def cards(self) -> list[Card]:
        facts = self.facts
        return [Card(member, row, self._assigned(member), member is facts.standby, self._badge(member),
                     self._host_status(member), self.why_not_one(JobKind.MAKE_CERTIFICATES, row.pk))
                for member, row in zip(facts.members, self.members, strict=False)]

    def _assigned(self, member: Member) -> str:
        if self.facts.active_id is None or self.backup is None:
            return ""
        return str(Mode.PRIMARY if member.id == self.facts.active_id else Mode.BACKUP)

    def _host_status(self, member: Member) -> str:
        return member.host.status if member.host and self.facts.control_answers else HostStatus.UNKNOWN

    def _badge(self, member: Member) -> Badge:
        if self._unproven:
            return Badge(NOT_PROVEN, "Not proven", self._unproven)
        return badge(self.facts, member, self._proofs.get(member.name))

    def probe(self) -> None:
        """Let both members prove their roles now: cards and the answer about failover show what came of it. Raises
        Refused when there is no pair."""
        self._probed = services.probed_facts(actor=self._actor, application_id=self.pk, timeout_s=PROBE_S)
        self.probed_at = timezone.now()
        asked = self._probed.asked
        self._proofs, self._unproven = asked.proofs, asked.control or asked.no_probe

    # --- would failover work now

    @cached_property
    def failover(self) -> FailoverVerdict:
        return would_failover_work(paired(self._probed or self.facts))

    @property
    def failover_rows(self) -> list[tuple[Condition, Button | None]]:
        """What stands in the way, then what makes failover worse, each with the button that mends it."""
        return [(each, self._mends(each.code)) for each in (*self.failover.missing, *self.failover.warnings)]

    def _mends(self, code: str) -> Button | None:
        verb, label = MENDS.get(code, ("", ""))
        keys = {"start": " ".join(str(member.id) for member in self.facts.members if member.status in ENDED)}
        key = keys.get(verb, str(self.pk))
        return Button(verb, label, key) if verb and key else None

    # --- the guide's procedure

    @cached_property
    def candidates(self) -> QuerySet[Application]:
        """Servers that could become the Backup Server; none while there is one."""
        free = selector.backup_candidates(self.primary)
        return free.none() if self.backup else free

    @cached_property
    def candidate_count(self) -> int:
        return self.candidates.count()

    @property
    def named_candidate(self) -> str:
        """The name in the address (``?candidate=``)."""
        return self._request.GET.get("candidate", "")[:255].strip()

    @cached_property
    def candidate(self) -> Application | None:
        """The one that the address names, or the only one."""
        if self.candidate_count == 1:
            return self.candidates.first()
        return self.candidates.filter(name=self.named_candidate).first() if self.named_candidate else None

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        meant = self.backup or self.candidate
        missing = () if self.backup is None else tuple(each for each in self.failover.missing
                                                       if each.code not in PROVEN_LIVE or self._probed)
        facts = pair_guide.guide_facts(
            self.facts, self.primary, meant, differences=self.differences, missing=missing,
            meant=selector.pair_facts(self.candidate.pk).primary if self.candidate else None)
        return procedure(facts)

    # --- both members beside each other

    @cached_property
    def plan(self) -> SynchronizePlan | None:
        return synchronize.plan(actor=self._actor, application_id=self.pk) if self.backup else None

    @property
    def differences(self) -> int | None:
        """How many are left that nobody declared to be intended; None while there is no pair."""
        return len(self.plan.copied) + len(self.plan.by_hand) if self.plan else None

    @cached_property
    def compared(self) -> list[tuple[Row, int | None]]:
        """Rows that are not equal, with the key of the exception that covers each (None when nobody declared one)."""
        declared = selector.exceptions_of(self.pk)
        return [(row, next((key for what, key in declared.items()
                            if row.what == what or row.what.startswith(f"{what}.")), None))
                for row in self._rows if row.state != EQUAL]

    @property
    def equal_rows(self) -> list[Row]:
        return [row for row in self._rows if row.state == EQUAL]

    @property
    def _rows(self) -> Iterable[Row]:
        return self.plan.rows if self.plan else ()

    @property
    def steps_done(self) -> int:
        return sum(step.state == DONE for step in self.steps)

    @property
    def guide_comes_first(self) -> bool:
        """Until a pair is deployed the procedure is what matters; later a member that is stopped, a pause or a
        difference must not move the page about."""
        return self.facts.active_id is None or any(step.state != DONE for step in self.steps[:DEPLOYED_STEPS])

    @property
    def waits(self) -> bool:
        """Whether a job works on a member: its end must be seen even if the notice of it gets lost."""
        return any(row.active_jobs for row in (*self.members, self.candidate) if row)

    # --- the timeline

    @cached_property
    def timeline(self) -> Page:
        rows = selector.pair_events(self.primary, self.backup, everything=self.shows_everything)
        size = TIMELINE_FIRST if self.timeline_is_short else TIMELINE
        return Paginator(rows, size).get_page(self._request.GET.get("page", 1))

    @property
    def timeline_is_short(self) -> bool:
        """Whether only its newest rows are shown, because nobody has asked for a page of it."""
        return "page" not in self._request.GET

    @property
    def shows_everything(self) -> bool:
        return self._request.GET.get("events") == "all"
