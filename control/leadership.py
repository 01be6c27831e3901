"""Who leads, of several controls with one database: a pure function of what one of them sees.

Time only decides when a change of leaders is tried. That a former leader changes nothing any more rests on the term
alone: every write of control is conditional on it (lease.py), every change of leaders takes the next one.
"""

import platform
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

BEAT_S = 1.0
"""The leader shows a sign of life so often."""
LOOK_S = 0.5
"""The others look for one so often."""
LAPSE_S = 6.0
"""A leader without one for so long is taken for gone, where its database session does not tell sooner."""


def instance_of(data_dir: Path) -> str:
    """What the control with ``data_dir`` on this machine calls itself where it leads."""
    return f"{platform.node()}:{data_dir}"


@dataclass(frozen=True)
class Lease:
    """The row that says who leads: ``holder`` (an instance, "" for nobody) at ``address`` in ``term``; ``beat`` grows
    with each of its signs of life."""

    term: int = 0
    holder: str = ""
    address: str = ""
    beat: int = 0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a control, the instance ``me``, sees. ``term``: in which it leads itself, 0 for not at all; ``still_s``: for
    how long it has seen the lease unchanged; ``session_ended``: whether the database session of the holder has ended,
    None where the database cannot tell."""

    me: str
    lease: Lease
    term: int = 0
    still_s: float = 0.0
    session_ended: bool | None = None


class Step(StrEnum):
    LEAD, FOLLOW, TAKE, RESIGN = "lead", "follow", "take", "resign"


@dataclass(frozen=True)
class Verdict:
    step: Step
    reason: str = ""


def decide(seen: Seen) -> Verdict:
    """What this control does next. TAKE is an attempt: of several that try, one gets the next term."""
    lease = seen.lease
    if seen.term:
        if lease.term == seen.term:
            return Verdict(Step.LEAD)
        return Verdict(Step.RESIGN, f"Control at {lease.address or '?'} leads in term {lease.term}.")
    if not lease.holder:
        return Verdict(Step.TAKE, "No control leads.")
    if seen.session_ended:
        return Verdict(Step.TAKE, f"The database session of control at {lease.address} has ended.")
    if lease.holder == seen.me and seen.session_ended is None:
        return Verdict(Step.TAKE, "This control led before it was started anew.")
    if seen.still_s >= LAPSE_S:
        return Verdict(Step.TAKE, f"Control at {lease.address} has shown no sign of life for {LAPSE_S:g} s.")
    return Verdict(Step.FOLLOW, f"Control at {lease.address} leads.")
