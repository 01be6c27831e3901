"""What people and programs do to a running pair. Control carries it out, or refuses it."""

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.core.held import refuse_during_drill, running_drill, under_way
from provisioning.core.permissions import ACCEPT_LOSS, CONFIGURE, DRILL, OPERATE, actor_of
from provisioning.core.reasons import one_line
from provisioning.drills.services.drills import LIMIT_LEAST_S, LIMIT_MOST_S, LIMIT_S, start_drill
from provisioning.errors import Refused
from provisioning.jobs.selectors.waiting import wait_until
from provisioning.pairs.rules.story import why_none, why_not
from provisioning.pairs.rules.synchronization import DIFFERS
from provisioning.pairs.selectors.page import pair_facts
from provisioning.pairs.selectors.pairs import get_pair
from provisioning.pairs.services import pairs as services
from provisioning.pairs.services import synchronize as synchronizing
from provisioning.pairs.services.settlement import Settling

from .changes import Change, Tried, answered, tried
from .jobs import WAIT_MOST_S, Asked
from .pairs import found

router = Router(tags=["pairs"])
LOOK_S = 0.5


class WholeAgain(Change):
    """``wait``: answer when the pair is whole again."""

    wait: int = Field(0, ge=0, le=WAIT_MOST_S, description="Answer when the pair is whole again: the new primary has "
                      "proven itself and its standby is in sync; after so many seconds at the latest.")


class SwitchOver(Asked):
    """``to``: the server that is to serve afterwards, so that asking twice does not switch back."""

    to: str = Field("", max_length=255)


class Pause(Asked):
    reason: str = Field("", max_length=1000, description="Needed: everybody sees it until it is resumed.")


class Promote(Asked):
    """``accept_data_loss``: the name of the active server, whose newest messages are given up. ``server``: who is to
    serve, "" for the standby."""

    accept_data_loss: str = Field("", max_length=255)
    server: str = Field("", max_length=255)


class StartDrill(Asked):
    """``limit_s``: how long the drill waits for each thing that has to happen."""

    limit_s: int = Field(LIMIT_S, ge=LIMIT_LEAST_S, le=LIMIT_MOST_S)


class Outcome(BaseModel):
    """The pair after the verb. ``facts``: what control said of it (active, epoch, took_ms, already, unrecorded);
    ``whole``: whether the pair was proven whole again, null where nobody waited for it; ``reason`` says what was
    missing."""

    primary: str
    backup: str
    active: str
    epoch: int
    in_sync: bool
    automatic_failover: bool
    facts: dict[str, Any]
    whole: bool | None
    reason: str


class Difference(BaseModel):
    what: str
    label: str
    primary: str
    backup: str
    state: str
    reason: str
    action: str
    copied: bool


class Synchronization(BaseModel):
    """``rows``: what was compared; those that are ``copied`` were, or would be, made equal."""

    primary: str
    backup: str
    applied: bool
    equal: bool
    rows: list[Difference]


class DrillStarted(BaseModel):
    id: int
    primary: str
    backup: str
    state: str


def _outcome(pair: Any, answer: Any, *, whole: bool | None = None, reason: str = "") -> dict[str, Any]:
    state = pair.state
    return {"primary": pair.primary.name, "backup": pair.backup.name, "active": pair.active.name if pair.active else "",
            "epoch": state.epoch if state else 0, "in_sync": bool(state and state.standby_in_sync),
            "automatic_failover": state.automatic_failover if state else True, "facts": answer.facts, "whole": whole,
            "reason": reason or answer.reason}


def _tried(request: HttpRequest, pair: Any, verb: str, needs: str) -> HttpResponse:
    """What the buttons of the Pair page go by. Raises NotAllowed, Refused."""
    actor_of(request).require(needs)
    refuse_during_drill(*pair.members)
    sentence = why_not(pair_facts(pair.id)).get(verb)
    if sentence:
        raise Refused(sentence)
    return tried([])


def _done(request: HttpRequest, name: str, change: Change, verb: str, needs: str,
          work: Callable[..., Any]) -> HttpResponse:
    pair = found(name)
    if change.dry_run:
        return _tried(request, pair, verb, needs)
    answer = work(actor=actor_of(request), application_id=pair.id)
    return answered(_outcome(get_pair(pair.id), answer), Outcome)


@router.post("/{name}/switch-over", response={200: Outcome | Tried, 202: Outcome}, summary="Switch a pair over")
def switch_over(request: HttpRequest, name: str, asked: Query[WholeAgain],
                body: SwitchOver | None = None) -> HttpResponse:
    """200 when the standby serves; with wait when the pair is whole again, 202 while it is not."""
    body, pair = body or SwitchOver(), found(name)
    if asked.dry_run:
        return _tried(request, pair, "switchover", OPERATE)
    actor, deadline = actor_of(request), time.monotonic() + asked.wait
    answer = services.switch_over(actor=actor, application_id=pair.id, to=body.to,
                                  reason=asked.why(request, body.reason))
    if not asked.wait:
        return answered(_outcome(get_pair(pair.id), answer), Outcome)
    settling = Settling(actor, pair, str(answer.facts.get("active", "")))
    whole = wait_until(settling.is_whole, deadline - time.monotonic(), look_s=LOOK_S)
    return answered(_outcome(settling.pair, answer, whole=whole, reason=settling.reason), Outcome,
                    status=200 if whole else 202, location="" if whole else f"/api/v1/pairs/{pair.id}")


@router.post("/{name}/pause", response=Outcome | Tried, summary="Pause automatic failover of a pair")
def pause(request: HttpRequest, name: str, change: Query[Change], body: Pause | None = None) -> HttpResponse:
    """Nothing takes over by itself until it is resumed."""
    reason = change.why(request, body.reason if body else "")
    return _done(request, name, change, "pause", OPERATE,
                 lambda **whom: services.pause_failover(reason=reason, **whom))


@router.post("/{name}/resume", response=Outcome | Tried, summary="Resume automatic failover of a pair")
def resume(request: HttpRequest, name: str, change: Query[Change], body: Asked | None = None) -> HttpResponse:
    reason = change.why(request, body.reason if body else "")
    return _done(request, name, change, "resume", OPERATE,
                 lambda **whom: services.resume_failover(reason=reason, **whom))


@router.post("/{name}/promote", response=Outcome | Tried, summary="Promote a standby that lacks messages")
def promote(request: HttpRequest, name: str, change: Query[Change], body: Promote | None = None) -> HttpResponse:
    """What only the active server has is given up: write its name in accept_data_loss."""
    asked = body or Promote()
    reason = change.why(request, asked.reason)
    return _done(request, name, change, "promote", ACCEPT_LOSS, lambda **whom: services.promote(
        accept_data_loss=asked.accept_data_loss, server=asked.server, reason=reason, **whom))


@router.post("/{name}/synchronize", response=Synchronization, summary="Make a backup equal to its primary")
def synchronize(request: HttpRequest, name: str, change: Query[Change], body: Asked | None = None) -> HttpResponse:
    """With dry_run the plan, and nothing is copied."""
    actor, pair = actor_of(request), found(name)
    plan = synchronizing.plan(actor=actor, application_id=pair.id)
    if change.dry_run:
        actor.require(CONFIGURE)
    applied = not plan.is_empty and not change.dry_run
    if not change.dry_run:
        plan = synchronizing.apply_plan(actor=actor, application_id=pair.id, revisions=plan.revisions,
                                        reason=change.why(request, body.reason if body else ""))
    rows = [{name: getattr(row, name) for name in Difference.model_fields} for row in plan.rows]
    return answered({"primary": plan.primary.name, "backup": plan.backup.name, "applied": applied, "rows": rows,
                     "equal": all(row.state != DIFFERS for row in plan.rows)}, Synchronization)


@router.post("/{name}/drill", response={202: DrillStarted, 200: Tried}, summary="Start a failover drill of a pair")
def drill(request: HttpRequest, name: str, change: Query[Change], body: StartDrill | None = None) -> HttpResponse:
    """It switches over and back under a small load, and reports outage and loss."""
    actor, pair = actor_of(request), found(name)
    if change.dry_run:
        actor.require(DRILL)
        running = running_drill()
        sentence = why_none(pair_facts(pair.id), under_way(running) if running else "")
        if sentence:
            raise Refused(sentence)
        return tried([])
    body = body or StartDrill()
    row = start_drill(actor=actor, application_id=pair.id, limit_s=body.limit_s,
                      reason=one_line(change.why(request, body.reason)))
    return answered({"id": row.pk, "primary": row.primary_name, "backup": row.backup_name, "state": row.state},
                    DrillStarted, status=202, location=f"/api/v1/drills/{row.pk}")
