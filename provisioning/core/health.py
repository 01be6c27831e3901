"""How the parts of the console are, as ``/healthz`` says it to anybody: a status, how old that is, a sentence. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provisioning.models import HostRuntime
from provisioning.states import HostStatus

from . import ages
from .database_trouble import FULL, LOCKED, Trouble
from .text import duration, so_far

LOCAL_HOST = "localhost"
OK, DOWN, UNKNOWN = "ok", "down", "unknown"


@dataclass(frozen=True)
class Component:
    """``age_s``: how long ago it was like that or, of one that is down or unknown, when it was last well; None when
    nobody can tell. ``reason``: a sentence, "" for one that is ok."""

    status: str
    age_s: float | None = None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        age = None if self.age_s is None else round(self.age_s, 1)
        return {"status": self.status, "age_s": age} | ({"reason": self.reason} if self.reason else {})


def worker_health(beat_at: datetime | None, now: datetime, *, blind: str = "",
                  who: str = "The console worker") -> Component:
    """Of the console worker, or whoever else shows signs of life as it does, from its heartbeat. ``blind``: why no
    newer one would be known."""
    if beat_at is None:
        return Component(DOWN, None, f"{who} has never reported. Start it (./run starts it).")
    age_s = _age_s(beat_at, now)
    if age_s <= ages.CONSOLE_PART.total_seconds():
        return Component(OK, age_s)
    return _unheard(age_s, f"{who} was last heard of {so_far(age_s)} ago.", blind)


def agent_health(runtime: HostRuntime | None, now: datetime, *, blind: str = "") -> Component:
    """Of the Local Control Agent of this machine, from what control heard of it."""
    if runtime is None or runtime.heard_at is None:
        return Component(DOWN, None, f"The agent of {LOCAL_HOST} has never reported.")
    age_s = _age_s(runtime.heard_at, now)
    if runtime.status != HostStatus.RUNNING:
        return _unheard(age_s, f"The agent of {LOCAL_HOST} is {runtime.status}. {runtime.reason}".strip(), blind)
    if age_s <= ages.OWN_HOST.total_seconds():
        return Component(OK, age_s)
    return _unheard(age_s, f"The agent of {LOCAL_HOST} was last heard of {so_far(age_s)} ago.", blind)


def host_worker_health(runtime: HostRuntime | None, now: datetime, *, blind: str = "") -> Component:
    """Of the host worker of this machine; the agent is the one who knows."""
    agent = agent_health(runtime, now, blind=blind)
    if agent.status != OK:
        return Component(UNKNOWN, agent.age_s, f"Not known while the agent of {LOCAL_HOST} does not answer.")
    if runtime is not None and runtime.worker_alive:
        return agent
    return Component(DOWN, agent.age_s, f"The host worker of {LOCAL_HOST} does not run.")


def _unheard(age_s: float, sentence: str, blind: str) -> Component:
    return Component(UNKNOWN, age_s, f"Not known: {blind}") if blind else Component(DOWN, age_s, sentence)


def _age_s(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())


def unwritten(trouble: Trouble, for_s: float) -> str:
    """Why the Configuration Database takes no write, since ``for_s`` seconds at least, as a sentence."""
    if trouble.code == LOCKED:
        return f"Locked: another program has held the Configuration Database for {_seconds(for_s)} at least."
    tail = " Make room on it." if trouble.code == FULL else ""
    return f"{trouble.sentence[:-1]}, for {_seconds(for_s)} at least.{tail}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
