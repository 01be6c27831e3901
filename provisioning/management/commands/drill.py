import time
from functools import partial

from provisioning.drills.rules.figures import figures_of, loss, seconds
from provisioning.drills.selectors import drill_awaited, get_drill
from provisioning.drills.services.drills import LIMIT_S, start_drill
from provisioning.jobs.selectors.waiting import STANDS_S
from provisioning.management.console import FAILED, OK, REFUSED, ServiceCommand
from provisioning.management.following import Following
from provisioning.models import Drill
from provisioning.pairs.selectors.pairs import find_pair
from provisioning.states import DrillState, StepState

POLL_S = 0.2
CODES: dict[str, int] = {DrillState.PASSED: OK, DrillState.REFUSED: REFUSED}


class Command(ServiceCommand):
    help = ("Failover drill of a pair: looks whether failover would work, switches over and back under a small load, "
            "and reports outage and loss. Exit codes: 0 it passed (without --wait: it was started), 1 it failed or was "
            "interrupted, 2 it was refused and nothing was switched.")
    command_name = "drill"

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="Name of either member of the pair.")
        parser.add_argument("--wait", action="store_true", help="Follow it to its report.")
        parser.add_argument("--timeout", type=float, default=3600.0, metavar="SECONDS",
                            help="Stop waiting after so long (default %(default)s); the drill goes on.")
        parser.add_argument("--limit", type=int, default=LIMIT_S, metavar="SECONDS",
                            help="How long the drill waits for each thing that has to happen (default %(default)s).")
        self.add_json(parser)

    def run(self, *, name, wait, timeout, limit, as_json, **options) -> int:
        drill = start_drill(actor=self.actor, application_id=find_pair(name).id, limit_s=limit)
        if wait:
            drill = self.follow(drill, timeout, quiet=as_json)
        code = CODES.get(drill.state, FAILED) if not drill.is_running else FAILED if wait else OK
        if as_json:
            self.print_json(self.describe(get_drill(drill.pk)))
        elif drill.is_running and not wait:
            self.stdout.write(f"{drill} of {drill.primary_name} and {drill.backup_name} is running.")
        elif not drill.is_running:
            found = figures_of(drill.figures)
            out = self.stdout if code == OK else self.stderr
            out.write(f"{drill}: {drill.get_state_display()}. {drill.sentence} {drill.advice}".rstrip())
            if drill.figures:
                self.stdout.write(f"Outage {seconds(found.outage_over_ms)} and {seconds(found.outage_back_ms)}; "
                                  f"{found.sent} sent, {found.acknowledged} acknowledged, {loss(found)}.")
        return code

    def follow(self, drill: Drill, within_s: float, *, quiet: bool) -> Drill:
        """Until it has ended, nothing moves any more, or ``within_s`` have passed."""
        told, deadline = set[int](), time.monotonic() + within_s
        following = Following(self.stderr if quiet else self.stdout)
        following.begin(f"{drill} of {drill.primary_name} and {drill.backup_name}", within_s)
        while True:
            drill = get_drill(drill.pk)
            steps = list(drill.steps.all())
            for step in steps:
                if step.state == StepState.DONE and step.pk not in told:
                    following.say(f"{step}: {step.sentence}")
                    told.add(step.pk)
            phase = next((str(step) for step in steps if step.state == StepState.RUNNING), "")
            is_over = following.look(phase or drill.get_state_display(), partial(drill_awaited, drill))
            if not drill.is_running:
                return drill
            if is_over or time.monotonic() > deadline:
                stands = f" Nothing has moved for {STANDS_S:g} s." if is_over else ""
                why = f" {following.found.text}" if following.found else ""
                self.stderr.write(f"{drill} has not ended yet.{why}{stands} It is not waited for any longer; its page "
                                  "tells what becomes of it.")
                return drill
            time.sleep(POLL_S)

    def describe(self, drill: Drill) -> dict:
        return {
            "drill": drill.pk, "primary": drill.primary_name, "backup": drill.backup_name, "state": drill.state,
            "asked_by": drill.asked_by, "started_at": drill.started_at, "finished_at": drill.finished_at,
            "sentence": drill.sentence, "advice": drill.advice, "served_before": drill.served_before,
            "serves_now": drill.serves_now, "switched_back": drill.switched_back, "figures": drill.figures,
            "preflight": drill.preflight,
            "phases": [{"phase": step.phase, "state": step.state, "started_at": step.started_at,
                        "finished_at": step.finished_at, "sentence": step.sentence} for step in drill.steps.all()]}
