"""The faults of a soak: what is done to the pair, for how long, and how it is undone."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from tests.locks import held
from tests.scenarios.applications import message_server
from tests.scenarios.busywork import heed_ctrl_c
from tests.scenarios.harness import ROOT
from tests.scenarios.hosts import NoHosts, cut_between, heal_between
from tests.scenarios.machine import DAY_S
from tests.scenarios.pairs import Member, Pair

APPLIED = 60


class Skipped(Exception):
    """The fault cannot happen now, for example because what it would kill is not running. The text says why."""


@dataclass(frozen=True)
class Fault:
    """One that was drawn: ``undo`` follows ``inject`` after ``hold_s``; both are bounded in time. ``label`` names it
    with its victim."""

    kind: str
    label: str
    hold_s: float
    inject: Callable[[], object]
    undo: Callable[[], object] = lambda: None


def possible(act: Callable[[], object]) -> None:
    """Do it. Raises Skipped where there is no such process, no such host now."""
    try:
        act()
    except (ProcessLookupError, NoHosts) as error:
        raise Skipped(str(error)) from None


def _cut_from_control(pair: Pair, member: Member, draw: random.Random) -> tuple:
    ends = member.host, pair.site.console
    return draw.uniform(0.5, 5), lambda: cut_between(*ends), lambda: heal_between(*ends)


def _cut_link(pair: Pair, member: Member, draw: random.Random) -> tuple:
    ends = member.host, pair.other(member).host
    return draw.uniform(0.5, 5), lambda: cut_between(*ends), lambda: heal_between(*ends)


def _one_way(pair: Pair, member: Member, draw: random.Random) -> tuple:
    target = draw.choice([pair.other(member).host, pair.site.console])
    return draw.uniform(0.5, 5), lambda: member.host.lose(target), lambda: member.host.find(target)


def _disk(pair: Pair, member: Member, draw: random.Random) -> tuple:
    what, how = draw.choice(("syncs", "reads", "writes")), draw.choice(("fails", "hangs"))
    return draw.uniform(0.5, 5), lambda: member.disk(**{what: how}), member.host.machine.disk_well


def _clock(pair: Pair, member: Member, draw: random.Random) -> tuple:
    machine, days = member.host.machine, draw.choice((-400, -40, -1, 1, 40, 400))
    return draw.uniform(0.5, 5), lambda: machine.clock(days * DAY_S), lambda: machine.clock(0)


def _stop_and_start(pair: Pair, member: Member, draw: random.Random) -> tuple:
    def stop() -> None:
        answer = pair.site.pairwise.ask("stop", name=member.name)
        if not answer["ok"]:
            raise Skipped(answer["reason"])
        # A job that is still on its way would stop it after the start.
        pair.site.wait_job(answer["facts"]["job"])

    return draw.uniform(1, 3), stop, member.start_again


def _freeze_control(pair: Pair, member: Member, draw: random.Random) -> tuple:
    pid = pair.site.pairwise.child("control")
    return draw.uniform(0.5, 5), lambda: os.kill(pid, signal.SIGSTOP), lambda: os.kill(pid, signal.SIGCONT)


def _locked_database(pair: Pair, member: Member, draw: random.Random) -> tuple:
    """Another program holds the Configuration Database."""
    holder = contextlib.ExitStack()

    def lock() -> None:
        try:
            holder.enter_context(held(pair.site.pairwise.data_dir / "pairwise.sqlite3"))
        except sqlite3.OperationalError as error:
            raise Skipped(str(error)) from None

    return draw.uniform(0.5, 5), lock, holder.close


def _apply(pair: Pair, member: Member, draw: random.Random) -> tuple:
    """Many applications are made or changed meanwhile."""
    path = pair.site.directory / "many.yaml"
    path.write_text(yaml.safe_dump({"applications": [
        message_server(f"many_{number}", host=member.host.name, working_directory=f"/opt/many_{number}",
                       startup_timeout=draw.randint(10, 90)) for number in range(APPLIED)]}))
    pairwise, under_way = pair.site.pairwise, []

    def begin() -> None:
        under_way.append(subprocess.Popen(
            [sys.executable, "manage.py", "apply", str(path), "--yes"], cwd=ROOT, env=pairwise.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=heed_ctrl_c))

    def end() -> None:
        for process in under_way:
            process.send_signal(signal.SIGINT)
            process.wait(30)

    return draw.uniform(2, 8), begin, end


def _switch_over(pair: Pair, member: Member, draw: random.Random) -> tuple:
    def do() -> None:
        answer = pair.ask("switchover")
        if not answer["ok"]:
            raise Skipped(answer["reason"])

    return 0.0, do


MEMBERS: dict[str, Callable[[Pair, Member, random.Random], tuple]] = {
    "kill": lambda pair, member, draw: (0.0, member.kill),
    "freeze": lambda pair, member, draw: (draw.uniform(0.2, 5), member.freeze, member.thaw),
    "kill agent": lambda pair, member, draw: (0.0, member.host.kill_agent),
    "cut": lambda pair, member, draw: (draw.uniform(0.2, 5), member.host.cut, member.host.heal),
    "power off": lambda pair, member, draw: (draw.uniform(0, 4), member.host.power_off, member.host.boot),
    "cut from control": _cut_from_control,
    "one way": _one_way,
    "full disk": lambda pair, member, draw: (draw.uniform(1, 5), member.fill_disk, member.empty_disk),
    "disk": _disk,
    "clock": _clock,
    "stop and start": _stop_and_start,
}
"""Kinds that hit one member: the active one or its standby. How long, what is done, how it is undone."""
PAIRS: dict[str, Callable[[Pair, Member, random.Random], tuple]] = {
    "cut link": _cut_link,
    "restart control": lambda pair, member, draw: (0.0, lambda: pair.site.pairwise.kill_child("control")),
    "control away": lambda pair, member, draw: (draw.uniform(1, 5), pair.site.console.cut, pair.site.console.heal),
    "switchover": _switch_over,
    "freeze control": _freeze_control,
    "locked database": _locked_database,
    "apply": _apply,
}
"""Kinds that hit the pair."""
UNREACHABLE = frozenset({"cut", "power off", "cut from control", "one way", "control away", "clock", "freeze control",
                         "locked database"})
"""Kinds during which the console cannot have a member stopped and started: its job would wait for somebody's Retry."""


def fits(kind: str, other: str) -> bool:
    """Whether both may happen at the same time."""
    return kind != other and not ("stop and start" in (kind, other) and UNREACHABLE & {kind, other})


def draw_fault(pair: Pair, draw: random.Random, beside: str = "") -> Fault:
    """A random fault of a kind that may happen ``beside`` another one; all kinds and both members are equally
    likely."""
    kind = draw.choice([name for name in (*MEMBERS, *PAIRS) if fits(name, beside)])
    member = draw.choice(pair.members)
    hold_s, inject, *undo = (MEMBERS.get(kind) or PAIRS[kind])(pair, member, draw)
    label = kind if kind in PAIRS else f"{kind} {member}"
    return Fault(kind, f"{label} {hold_s:.1f} s" if hold_s else label, hold_s, inject, *undo)
