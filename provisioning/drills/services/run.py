"""A failover drill as a worker of the console carries it out: look, load, switch over, check, switch back, check.

What it finds is in the drill's row at any time, so that whoever opens its page sees the truth, and so does the reaper
when this process ends.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import asdict

from django.db import DatabaseError

from protocol.drills import destination_of
from provisioning.core.permissions import Actor
from provisioning.drills.rules import drills as rules
from provisioning.drills.rules.figures import Figures, complaint, figures, passed
from provisioning.drills.worker import row as rows
from provisioning.drills.worker.load import ProbeLoad
from provisioning.drills.worker.row import Ended
from provisioning.errors import NotFound, PairwiseError
from provisioning.models import Drill
from provisioning.pairs.rules.failover import would_failover_work
from provisioning.pairs.selectors.pairs import Pair, get_pair
from provisioning.pairs.services import pairs
from provisioning.pairs.services.settlement import Settling
from provisioning.states import DrillPhase, DrillState, Role, StepState

from .targets import targets

log = logging.getLogger(__name__)

ENOUGH = 20
"""Messages that have to be acknowledged before a switchover is made, and by each member once it serves."""
EVERY_S, WRITE_S = 0.1, 1.0
"""How often a wait looks, and how often the row is written meanwhile."""
LAST_WORDS_S = 8.0
"""How long a drill that went wrong waits for what is still missing."""


class Stopped(Exception):
    """The drill does not go on. The text is a sentence for the report."""

    def __init__(self, sentence: str, advice: str = ""):
        super().__init__(sentence)
        self.advice = advice


class Cancelled(Stopped):
    """Somebody cancelled it."""


def run_drill(*, drill_id: int) -> None:
    """Carry a drill out to its report; nothing when somebody else does or did."""
    drill = rows.claim(drill_id)
    if drill is None:
        return
    try:
        DrillRun(drill).carry_out()
    except Ended as ended:
        log.warning("%s It is not carried on here.", ended)
    except DatabaseError as error:
        # The reaper finds the drill silent, and says what it left.
        log.error("%s is not carried on, the Configuration Database did not answer: %s", drill, error)


class DrillRun:
    """One drill. ``carry_out`` raises Ended when its row was ended by somebody else."""

    def __init__(self, drill: Drill):
        self.drill = drill
        self.actor = Actor(name=drill.asked_by, roles=frozenset({str(Role.OPERATOR)}), origin=str(drill))
        self.load: ProbeLoad | None = None
        self.first = self.second = ""
        self.windows: dict[str, tuple[float, float]] = {}
        self._written = 0.0
        self._touched = False

    def carry_out(self) -> None:
        try:
            self._look()
            self._start_load()
            self._there_and_back()
            self._finish(DrillState.PASSED, passed(self.first, self.second, self._figures()), "", back=True)
        except Stopped as stopped:
            self._give_up(stopped)
        except (Ended, DatabaseError):
            raise
        except PairwiseError as error:
            self._give_up(Stopped(str(error)))
        except Exception:
            log.exception("%s failed", self.drill)
            self._give_up(Stopped("The console met an internal error during the drill; the log of the console worker "
                                  "says more."))
        finally:
            if self.load is not None:
                self.load.close()

    # --- before

    def _look(self) -> None:
        self._begin(DrillPhase.PREFLIGHT)
        facts = pairs.probed_facts(actor=self.actor, application_id=self._key)
        pair = self._pair()
        conditions = rules.preflight(would_failover_work(facts), facts, rows.jobs_on(pair))
        if pair.active is not None:
            self.first, self.second = pair.active.name, pair.other(pair.active).name
        rows.note(self.drill, preflight=rules.to_rows(conditions), served_before=self.first, serves_now=self.first)
        if missing := rules.missing(conditions):
            raise Stopped("The pre-flight failed: " + " ".join(each.sentence for each in missing),
                          " ".join(dict.fromkeys(each.advice for each in missing if each.advice)))
        self._done(rules.summary(conditions))

    def _start_load(self) -> None:
        self._begin(DrillPhase.PROBE)
        try:
            found = targets(self.drill, self._pair())
        except PairwiseError as error:
            raise Stopped(str(error)) from error
        self.load = ProbeLoad(found, destination_of(self.drill.key), self.drill.key)
        self.load.start()
        if not self._until(lambda: self._probe.acknowledged >= ENOUGH):
            trouble = self._probe.trouble.get(self.first)
            why = f"{self.first} at {found[0].host}:{found[0].port}: {trouble}" if trouble else "no reason was given"
            raise Stopped(f"The probe load had {self._probe.acknowledged} of {ENOUGH} messages acknowledged within "
                          f"{self.drill.limit_s} s ({why.rstrip('.')}).",
                          "The console worker has to reach the port for clients of both members.")
        self._done(f"{self._probe.acknowledged} messages were acknowledged.")

    # --- there and back

    def _there_and_back(self) -> None:
        self._switch(DrillPhase.OVER, self.second)
        self._settle(DrillPhase.OVER_SETTLED, self.second)
        self._check(DrillPhase.OVER_CHECKED)
        self._switch(DrillPhase.BACK, self.first)
        self._settle(DrillPhase.BACK_SETTLED, self.first)
        self._probe.stop_sending()
        self._check(DrillPhase.BACK_CHECKED)

    def _switch(self, phase: DrillPhase, to: str) -> None:
        self._begin(phase)
        self.windows[phase] = (time.monotonic(), float("inf"))
        self._touched, sent = True, self._probe.newest
        try:
            answer = pairs.switch_over(actor=self.actor, application_id=self._key, to=to,
                                       reason=str(self.drill), drill=self.drill.pk)
        except PairwiseError as error:
            raise Stopped(f"{to} did not take over: {error}") from error
        rows.note(self.drill, serves_now=to)
        if not self._until(lambda: self._probe.has_acknowledged_after(sent)):
            raise Stopped(f"{to} took over, and acknowledged no message of the probe load within "
                          f"{self.drill.limit_s} s ({self._probe.trouble.get(to) or 'no reason was given'}).")
        took = answer.facts.get("took_ms")
        took = f" Control needed {took:.0f} ms." if isinstance(took, int | float) else ""
        self._done(f"{to} serves.{took}")

    def _settle(self, phase: DrillPhase, active: str) -> None:
        self._begin(phase)
        settling = Settling(self.actor, self._pair(), active)
        if not self._until(settling.is_whole):
            raise Stopped(f"The pair was not whole again within {self.drill.limit_s} s: {settling.reason}")
        served = self._probe.acknowledged
        if not self._until(lambda: self._probe.acknowledged >= served + ENOUGH):
            raise Stopped(f"{active} acknowledged {self._probe.acknowledged - served} of {ENOUGH} messages within "
                          f"{self.drill.limit_s} s.")
        over = DrillPhase.OVER if phase == DrillPhase.OVER_SETTLED else DrillPhase.BACK
        self.windows[over] = (self.windows[over][0], time.monotonic())
        self._done(f"{active} has proven that it serves, and {settling.pair.standby} is in sync.")

    def _check(self, phase: DrillPhase) -> None:
        self._begin(phase)
        promised = self._probe.ledger().acknowledged
        arrived = self._until(lambda: promised <= (self._probe.ledger().delivered or {}).keys()) and (
            phase == DrillPhase.OVER_CHECKED or self._until(lambda: self._probe.is_complete))
        found = self._figures()
        if wrong := complaint(found):
            raise Stopped(wrong, "Keep the logs and data directories of both members: this must not happen.")
        if not arrived:
            raise Stopped(f"Not every acknowledged message could be read back within {self.drill.limit_s} s.")
        self._done(f"All {found.acknowledged:,} acknowledged messages are there, once each.")

    # --- when it goes wrong

    def _give_up(self, stopped: Stopped) -> None:
        if self.load is not None:
            self.load.stop_sending()
        cancelled = isinstance(stopped, Cancelled)
        if not self._touched:
            state = DrillState.INTERRUPTED if cancelled else DrillState.REFUSED
            self._finish(state, f"{stopped} No switchover was made.", stopped.advice)
            return
        self._fail_phase(str(stopped))
        back = self._leave_as_found()
        self._wait_for_the_rest()
        active = self._active_now()
        sentence, advice = rules.left(self.first, active, switched_back=back)
        found = self._figures()
        said = " ".join(filter(None, (str(stopped), complaint(found), sentence)))
        self._finish(DrillState.INTERRUPTED if cancelled else DrillState.FAILED, said,
                     " ".join(filter(None, (stopped.advice, advice))), back=back, serves_now=active)

    def _active_now(self) -> str:
        """Who serves by control's record; "" for nobody, or when it is no pair any more."""
        try:
            active = self._pair().active
        except PairwiseError:
            return ""
        return active.name if active else ""

    def _leave_as_found(self) -> bool:
        """Switch back when that loses nothing; whether it was done."""
        try:
            pair = self._pair()
            if pair.active is None or pair.active.name == self.first or not (
                    pair.state and pair.state.standby_in_sync):
                return False
            pairs.switch_over(actor=self.actor, application_id=pair.id, to=self.first, drill=self.drill.pk,
                              reason=f"{self.drill}, switched back")
        except PairwiseError as error:
            log.warning("%s could not switch back: %s", self.drill, error)
            return False
        return True

    def _wait_for_the_rest(self) -> None:
        deadline = time.monotonic() + LAST_WORDS_S
        while not self._probe.is_complete and time.monotonic() < deadline:
            time.sleep(EVERY_S)

    def _finish(self, state: DrillState, sentence: str, advice: str, *, back: bool = False, **fields) -> None:
        found = asdict(self._figures()) if self.load is not None else {}
        if not rows.finish(self.drill, state, sentence, advice, figures=found, switched_back=back, **fields):
            raise Ended(f"{self.drill} has ended already.")

    # --- its row

    @property
    def _key(self) -> int:
        """Of the primary. Raises NotFound."""
        if self.drill.primary_id is None:
            raise NotFound("This application does not exist any more. Somebody may have deleted it.")
        return self.drill.primary_id

    @property
    def _probe(self) -> ProbeLoad:
        """The load, once it was started."""
        if self.load is None:
            raise RuntimeError("the probe load was not started")
        return self.load

    def _pair(self) -> Pair:
        return get_pair(self._key)

    def _figures(self) -> Figures:
        return figures(self._probe.ledger(), self.windows.get(DrillPhase.OVER),
                             self.windows.get(DrillPhase.BACK))

    def _begin(self, phase: DrillPhase) -> None:
        self._phase = phase
        self._beat()
        rows.step(self.drill, phase, StepState.RUNNING)

    def _done(self, sentence: str) -> None:
        self._beat()
        rows.step(self.drill, self._phase, StepState.DONE, sentence)

    def _fail_phase(self, sentence: str) -> None:
        rows.step(self.drill, self._phase, StepState.FAILED, sentence)

    def _until(self, reached: Callable[[], bool]) -> bool:
        """Wait for it, at most the drill's limit. Raises Cancelled, Ended."""
        deadline = time.monotonic() + self.drill.limit_s
        while not reached():
            if time.monotonic() > deadline:
                return False
            if time.monotonic() - self._written > WRITE_S:
                self._beat()
            time.sleep(EVERY_S)
        return True

    def _beat(self) -> None:
        """Write what is known, hear whether it is to end. Raises Cancelled, Ended."""
        self._written = time.monotonic()
        if self.load is not None:
            rows.note(self.drill, figures=asdict(self._figures()))
        else:
            rows.note(self.drill)
        if self.drill.cancel_requested_by:
            raise Cancelled(f"Cancelled by {self.drill.cancel_requested_by}.")
