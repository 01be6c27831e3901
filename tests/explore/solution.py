"""The steps of control: the real ``decide`` on what it knows, the conditional write, the letters that follow."""

from dataclasses import dataclass, replace

from control import transitions
from control.decide import Decision, decide
from control.snapshot import Member, Record, Request, Snapshot, ahead, missing

from .parts import BACKUP, DOUBTED, PRIMARY, RECORDED, STEP_DOWN, Letter, Rec, Said, View
from .rules import ROWS
from .scopes import Scope

NAMES = ("A", "B")
LONG_S = 9.0


@dataclass(frozen=True)
class Outcome:
    """``record`` (None: unchanged) is written on condition that the record is still the one it was decided on; then
    ``letters`` (node, letter) leave and control remembers them in ``views``. ``fault``: a person or a fault made it;
    ``presumes_loss``: it takes the active server for gone, rightly or not."""

    what: str
    record: Rec | None
    letters: tuple[tuple[int, Letter], ...]
    views: tuple[View | None, View | None]
    fault: bool = False
    loss_accepted: bool = False
    presumes_loss: bool = False


@dataclass(frozen=True)
class Sense:
    """What control perceives or was asked for. None of it is certain, so all of it is tried in every state."""

    what: str
    active_away: dict | None = None
    active_here: dict | None = None
    request: str = ""
    fault: bool = False


GONE = {"process": "unknown", "agent_connected": False, "silent_s": LONG_S}
CALM = {"process": "running", "agent_connected": True, "silent_s": 0.0}
SENSES = (
    Sense("decides"),
    Sense("takes the active server for lost", active_away=GONE),
    Sense("hears that the active process has ended", active_away={**GONE, "process": "ended"}),
    Sense("hears that the active server cannot serve",
          active_here={"state": "service_unavailable", "trouble": "disk full", "trouble_s": LONG_S}, fault=True),
    Sense("is asked for a switchover", request="switchover", fault=True),
)
ACCEPTED = (
    Sense("is told to promote the standby and accept the loss", request="promote standby", fault=True),
    Sense("is told to promote the active server and accept the loss", request="promote active", fault=True),
)


class Solution:
    """Decisions, remembered by what they depend on."""

    def __init__(self, scope: Scope, without: frozenset[str]):
        self.without = without
        self.senses = SENSES + (ACCEPTED if scope.loss_accepted else ())
        self.table = _table(without)

    def outcomes(self, rec: Rec, views: tuple[View | None, View | None]) -> list[Outcome]:
        """Everything that a decision on ``rec`` can lead to, each once."""
        found: dict[tuple, Outcome] = {}
        for sense in self.senses:
            snapshot = self.snapshot(rec, views, sense)
            decision = decide(snapshot, self.table)
            outcome = self._outcome(sense, snapshot, decision, rec, views)
            changes = outcome.record, outcome.letters, outcome.loss_accepted
            if (outcome.record or outcome.letters) and changes not in found:
                found[changes] = outcome
        return list(found.values())

    def snapshot(self, rec: Rec, views: tuple, sense: Sense = SENSES[0]) -> Snapshot:
        """What control bases a decision on."""
        record = Record(version=rec.version, epoch=rec.epoch, active=NAMES[rec.active] if rec.active >= 0 else "",
                        standby_in_sync=rec.in_sync, active_copy=self._copy(rec.active_copy),
                        standby_copy=self._copy(rec.standby_copy), automatic_failover=rec.automatic)
        candidate = max(rec.active, 0)
        members = [self._member(index, view, rec, sense if index == candidate else None)
                   for index, view in enumerate(views)]
        verb, _, whom = sense.request.partition(" ")
        target = NAMES[candidate if whom == "active" else 1 - candidate]
        snapshot = Snapshot(record, tuple(members), request=Request(verb, target, "somebody") if verb else None)
        return replace(snapshot, trusted=rec.doubt != DOUBTED or self._trusts(snapshot))

    def _trusts(self, snapshot: Snapshot) -> bool:
        """Whether a record that may be outdated counts though nobody has vouched for it."""
        return "a record that may be outdated is not trusted" in self.without or (
            "who has another store vouches for nothing" in self.without
            and not missing(snapshot) and ahead(snapshot) is None)

    def _copy(self, copy: int) -> str:
        return "any" if "stores are compared" in self.without and copy else str(copy or "")

    def _member(self, index: int, view: View | None, rec: Rec, sense: Sense | None) -> Member:
        if view is None:
            away = sense.active_away if sense and sense.active_away else CALM
            return Member(name=NAMES[index], **away)
        said, epoch, seen = view.said, view.said.epoch, view.seen
        if "who has seen more than the record disputes it" in self.without:
            epoch, seen = min(epoch, rec.epoch), 0
        claim = rec.version if "a claim rests on its version" in self.without else said.claim
        state = "service_unavailable" if said.stuck else "started" if said.role else "ready"
        here = {"state": state} | (sense.active_here or {} if sense else {})
        return Member(
            name=NAMES[index], connected=True, role=said.role, epoch=epoch, version=seen,
            copy=self._copy(view.copy), link="down", wish=said.wish, wish_version=claim,
            wish_copy=self._copy(said.wish_copy), granted=view.granted, told=view.told,
            stepping_down=view.stepping, process="running", agent_connected=True, present_s=LONG_S, **here)

    def _outcome(self, sense: Sense, snapshot: Snapshot, decision: Decision, rec: Rec, views: tuple) -> Outcome:
        record, shift = None, 0
        if decision.record is not None:
            record = self.rec(decision.record, views)
            if "every grant is a new epoch" in self.without and record.epoch > rec.epoch > 0:
                shift = record.epoch - rec.epoch
                record = record._replace(epoch=rec.epoch)
        letters, after = [], list(views)
        for grant in decision.grants:
            index, role = NAMES.index(grant.name), grant.role
            if role == BACKUP and views[index].said.stuck and "who serves nobody is told to stand by" in self.without:
                continue
            letters.append((index, Letter(role, grant.epoch - shift, grant.record_version if role == PRIMARY else 0)))
            after[index] = after[index]._replace(granted=(role, grant.epoch - shift), told=grant.record_version)
        for tell in decision.tells:
            index = NAMES.index(tell.name)
            letters.append((index, Letter(RECORDED, tell.epoch, tell.record_version, tell.in_sync)))
            after[index] = after[index]._replace(told=tell.record_version)
        if decision.step_down:
            index = NAMES.index(decision.step_down)
            letters.append((index, Letter(STEP_DOWN, rec.epoch)))
            after[index] = after[index]._replace(stepping=rec.epoch)
        accepted = sense.request.startswith("promote") and record is not None and record.epoch > rec.epoch
        return Outcome(f"{sense.what}: {describe(record, letters)}", record, tuple(letters), tuple(after),
                       sense.fault, accepted, sense.active_away is not None)

    def rec(self, record: Record, views: tuple) -> Rec:
        """``record`` as it is written."""
        active = NAMES.index(record.active) if record.active else -1
        if "stores are compared" in self.without:
            named = [view.copy if view else 0 for view in views]
            return Rec(record.version, record.epoch, active, record.standby_in_sync,
                       named[active] if record.active_copy else 0, named[1 - active] if record.standby_copy else 0,
                       record.automatic_failover)
        return Rec(record.version, record.epoch, active, record.standby_in_sync, int(record.active_copy or 0),
                   int(record.standby_copy or 0), record.automatic_failover)

    def settled(self, view: View, rec: Rec, *, active: bool) -> View:
        """The same view without what no decision on ``rec``, or on a record after it, can depend on."""
        said = view.said
        if said.epoch < rec.epoch or not said.role:
            said = Said(epoch=said.epoch if said.epoch > rec.epoch else 0, stuck=said.stuck)
        elif not active or said.role != PRIMARY or said.epoch != rec.epoch or not self._may_count(said, rec):
            said = Said(said.role, said.epoch, stuck=said.stuck)
        elif said.wish == "alone" and rec.in_sync:
            said = said._replace(claim=0)
        granted = view.granted if view.granted and view.granted[1] >= rec.epoch else None
        told = rec.version if active and view.told >= rec.version else 0
        stepping = view.stepping if view.stepping == rec.epoch else 0
        return View(view.live, view.copy, said, granted, told, stepping, view.seen if view.seen > rec.version else 0)

    def _may_count(self, said: Said, rec: Rec) -> bool:
        if said.wish == "synced":
            return "a claim rests on its version" in self.without or (
                said.claim == rec.version and (not rec.in_sync or rec.standby_copy != said.wish_copy))
        return said.wish == "alone" and (rec.in_sync or rec.version <= said.claim)


def describe(record: Rec | None, letters: list) -> str:
    """A decision in words."""
    parts = []
    if record is not None:
        active = f"{{{record.active}}}" if record.active >= 0 else "nobody"
        what = "in sync" if record.in_sync else "not in sync"
        parts.append(f"records version {record.version}, epoch {record.epoch}, active {active}, {what}")
    for index, letter in letters:
        extra = f", version {letter.version}" if letter.version else ""
        parts.append(f"sends {{{index}}} {letter.kind} (epoch {letter.epoch}{extra}"
                     + (f", in sync {letter.in_sync})" if letter.kind == RECORDED else ")"))
    return ", ".join(parts)


def _table(without: frozenset[str]) -> tuple[transitions.Transition, ...]:
    """TABLE, or what is left of it."""
    if "promoted only in sync" in without:
        loose = {transitions.active_has_ended: _ended_though_out_of_sync, transitions.active_is_lost: _lost_out_of_sync}
        return tuple(replace(row, when=loose.get(row.when, row.when)) for row in transitions.TABLE)
    removed = {row for name in without for row in ROWS.get(name, ())}
    return tuple(replace(row, serve=None) if (row.state, row.when) in removed else row for row in transitions.TABLE)


def _ended_though_out_of_sync(snapshot: Snapshot) -> bool:
    active, standby = snapshot.candidate, snapshot.standby
    return bool(not active.connected and active.process == "ended" and standby and standby.connected)


def _lost_out_of_sync(snapshot: Snapshot) -> bool:
    active, standby = snapshot.candidate, snapshot.standby
    return bool(not active.connected and not active.agent_connected and standby and standby.connected)


assert {PRIMARY, BACKUP} == {"primary", "backup"}
