"""What work that has not ended waits for, and what to do about it: one sentence for commands, pages and programs.
Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from provisioning.core import ages
from provisioning.core.health import Component
from provisioning.core.text import closed, so_far
from provisioning.states import HostStatus, JobState

NAMED = 3
"""So many of the jobs that a host works on are named."""


class Why(Enum):
    """What it is that is waited for: as long as that is the same, nothing has changed, whatever time passes."""

    HOST_DELETED = auto()
    BROKER = auto()
    DATABASE = auto()
    CONSOLE_WORKER = auto()
    AGENT = auto()
    WORKER_ENDED = auto()
    WORKER_SILENT = auto()
    CONTROL = auto()
    OTHER_JOBS = auto()
    HOST_SILENT = auto()
    ENDING = auto()
    WORK = auto()


@dataclass(frozen=True)
class Awaited:
    """``is_stuck``: nothing moves until what the sentence names is mended; ``advice`` says how, "" where nothing is to
    be done."""

    why: Why
    sentence: str
    advice: str = ""
    is_stuck: bool = False

    @property
    def is_work(self) -> bool:
        """It waits for nothing but the work itself."""
        return self.why == Why.WORK

    @property
    def text(self) -> str:
        return f"{self.sentence} {self.advice}".rstrip()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of an active job. ``host`` is its name; ``host_status``: "" where none is known, ``heard_s``: age
    of the agent's last word. ``control``: why nothing newer is known of hosts, ``behind``: why nothing is written down,
    ``console_worker``: why nobody reads what hosts report; each "" where that is not so. ``silent_s``: for so long the
    worker of the host has not answered over the broker, None for not known. ``others``: jobs that the host works on,
    when it takes no further one; ``before``: how many are to be taken before this one. ``said_s``: age of what the host
    said of this job last, None before its first word."""

    state: str
    host: str
    is_deleted: bool = False
    is_sent: bool = True
    console_worker: str = ""
    control: str = ""
    behind: str = ""
    host_status: str = ""
    host_reason: str = ""
    heard_s: float | None = None
    worker_runs: bool = True
    silent_s: float | None = None
    others: tuple[str, ...] = ()
    before: int = 0
    said_s: float | None = None
    is_cancelled: bool = False


def awaited(facts: Facts) -> Awaited:
    """The first of RULES that has something to say."""
    rules = QUEUED if facts.state == JobState.QUEUED else TAKEN
    return next(found for rule in rules if (found := rule(facts)) is not None)


def as_told(found: Awaited | None) -> dict[str, Any]:
    """As commands and programs are told."""
    return {"waits_for": found.text if found else "", "stuck": bool(found and found.is_stuck)}


def reads_no_reports(health: Component) -> str:
    """Why nobody hears what hosts report and nobody carries out what the console does by itself, "" when somebody
    does. ``health``: of the console worker."""
    return health.reason and f"{closed(health.reason)} What hosts report is not read meanwhile."


def _deleted(facts: Facts) -> Awaited | None:
    return Awaited(Why.HOST_DELETED, f"{facts.host} was deleted: nobody takes it any more.",
                   is_stuck=True) if facts.is_deleted else None


def _broker(facts: Facts) -> Awaited | None:
    return None if facts.is_sent else Awaited(
        Why.BROKER, f"The broker, which carries jobs to hosts, did not take it, so {facts.host} has not seen it.",
        "Start Redis (./run does) or correct PAIRWISE_REDIS_URL (PAIRWISE_BROKER_URL, when it is another broker). It "
        "is sent by itself once the broker answers; Retry does it at once.", is_stuck=True)


def _database(facts: Facts) -> Awaited | None:
    return Awaited(Why.DATABASE, facts.behind, "Look at /healthz, which says why.",
                   is_stuck=True) if facts.behind else None


def _console_worker(facts: Facts) -> Awaited | None:
    return Awaited(Why.CONSOLE_WORKER, facts.console_worker, "It comes back by itself where ./run or systemd keeps it; "
                   "/healthz says whether the broker, by which it works, answers.",
                   is_stuck=True) if facts.console_worker else None


def _agent(facts: Facts) -> Awaited | None:
    if facts.control or facts.host_status == HostStatus.RUNNING:
        return None
    last = "it was never heard of" if facts.heard_s is None else f"it was last heard of {so_far(facts.heard_s)} ago"
    reason = f" {closed(facts.host_reason)}" if facts.host_reason else ""
    return Awaited(Why.AGENT, f"The agent of {facts.host} is away: {last}.{reason}",
                   f"Is the machine on, and does its agent run? The page of {facts.host} says how far it is reachable.",
                   is_stuck=True)


def _worker_ended(facts: Facts) -> Awaited | None:
    return None if facts.control or facts.worker_runs else Awaited(
        Why.WORKER_ENDED, f"The agent of {facts.host} is connected, but its worker does not run.",
        f"The agent starts it again; worker.log on {facts.host} says why it ends.", is_stuck=True)


def _worker_silent(facts: Facts) -> Awaited | None:
    if facts.silent_s is None:
        return None
    since = f"for {so_far(facts.silent_s)}" if facts.silent_s >= 1 else "yet"
    return Awaited(
        Why.WORKER_SILENT, f"The worker of {facts.host} has not answered over the broker {since}.",
        f"Does {facts.host} resolve the broker's name, and is the broker's port open from there? worker.log on it says "
        "why.", is_stuck=True)


def _control(facts: Facts) -> Awaited | None:
    return Awaited(Why.CONTROL, f"Whether {facts.host} can take it is not known. {facts.control}",
                   "Start control (./run does).", is_stuck=True) if facts.control else None


def _other_jobs(facts: Facts) -> Awaited | None:
    if not facts.others:
        return None
    named = list(facts.others[:NAMED])
    more = len(facts.others) - NAMED
    works = f"{facts.host} works on {' and '.join(named)}{f' and {more} more' if more > 0 else ''}"
    before = f"; {facts.before} more {'is' if facts.before == 1 else 'are'} before this one" if facts.before else ""
    return Awaited(Why.OTHER_JOBS, f"{works}, and takes the next one when one of them has ended{before}.")


def _taking(facts: Facts) -> Awaited | None:
    return Awaited(Why.WORK, f"{facts.host} has not taken it yet.")


def _host_silent(facts: Facts) -> Awaited | None:
    if facts.said_s is None or facts.said_s <= ages.JOB.total_seconds():
        return None
    return Awaited(Why.HOST_SILENT, f"{facts.host} works on it and has said nothing for {so_far(facts.said_s)}.",
                   "It is given up as lost where nothing is heard within half a minute.")


def _ending(facts: Facts) -> Awaited | None:
    return Awaited(Why.ENDING, f"{facts.host} was asked to end it.") if facts.is_cancelled else None


def _working(facts: Facts) -> Awaited | None:
    return Awaited(Why.WORK, f"{facts.host} works on it.")


Rule = Callable[[Facts], Awaited | None]
QUEUED: tuple[Rule, ...] = (_deleted, _broker, _database, _console_worker, _agent, _worker_ended, _worker_silent,
                            _control, _other_jobs, _taking)
TAKEN: tuple[Rule, ...] = (_database, _console_worker, _host_silent, _ending, _working)
