"""What a client gets from a pair, beside RabbitMQ: throughput, waiting, big messages, many readers, memory.

    python -m bench.clients [-rounds 5] [-cases small big ...] [-idle 10000] [-directory DIR]

The pair, a quorum queue on three nodes and a classic queue on one of them run on this machine for the whole time and
take turns with the same client. A round gives one ratio for each case; the median of the rounds is what counts; a ratio
says how many times better the pair is. ``idle`` is memory of the active server with so many silent subscribers, each
with a destination of its own. Without RabbitMQ only the pair is measured.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Protocol

import psutil

from tests.scenarios.harness import ROOT

from ._cases import CASES, Case, Classic, OurPair, Place, Quorum
from ._local_pair import LOGIN, PASSCODE, LocalPair, local_pair
from .rabbitmq import MISSING, Cluster, installed

IDLE_S, SETTLES_S = 300, 2
LIMITS = {"max-connections": "20000"}


class Broker(Protocol):
    def place(self, case: Case, number: int) -> contextlib.AbstractContextManager[Place]: ...


def measure_case(case: Case, brokers: dict[str, Broker], rounds: int) -> dict:
    """The figures of one case, all brokers in turns."""
    figures: dict[str, list[float]] = {name: [] for name in ("pair", *case.brokers) if name in brokers}
    for number in range(rounds):
        for name in figures:
            theirs = case if name == "pair" else case.shared()
            with brokers[name].place(theirs, number) as place:
                figures[name].append(case.figure(theirs, place))
    return report(case, figures)


def report(case: Case, figures: dict[str, list[float]]) -> dict:
    """Medians, and how many times better the pair was in each round."""
    said = {"bench": "clients", "case": case.name, "unit": case.unit, "messages": case.messages, "size": case.size,
            "connections": case.connections, "window": case.window, "rounds": len(figures["pair"]), "aim": case.aim,
            **{name: round(statistics.median(values), 2) for name, values in figures.items()}}
    for name, values in figures.items():
        if name != "pair":
            ratios = [case.times_better(*each) for each in zip(figures["pair"], values, strict=True)]
            said[f"ratio_{name}"] = round(statistics.median(ratios), 2)
            said[f"ratios_{name}"] = [round(each, 2) for each in ratios]
    return said


def measure_idle(pair: LocalPair, count: int) -> dict:
    """Memory of the active server before, and with ``count`` subscribers that get nothing."""
    active = pair.wait_whole()
    server = psutil.Process(pair.pid(active))
    before = server.memory_info().rss
    command = [sys.executable, "-m", "bench._idle", str(pair.ports[active]), LOGIN, str(count)]
    holder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        holder.stdin.write(f"{PASSCODE}\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "ready\n", "not all connections were made"
        busy = server.cpu_percent(SETTLES_S) / 100
        rss = server.memory_info().rss
        holder.communicate("", timeout=IDLE_S)
    finally:
        holder.kill()
        holder.wait()
    assert holder.returncode == 0, "connections were lost"
    return {"bench": "clients", "case": "idle", "connections": count, "mb": round(rss / 1e6, 1),
            "mb_before": round(before / 1e6, 1), "kb_each": round((rss - before) / count / 1e3, 2),
            "busy_of_a_core": round(busy, 3), "aim_mb": 200}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.clients", description=__doc__.splitlines()[0])
    parser.add_argument("-rounds", type=int, default=5)
    parser.add_argument("-cases", nargs="*", choices=[case.name for case in CASES],
                        default=[case.name for case in CASES])
    parser.add_argument("-idle", type=int, default=10_000, help="silent connections; 0 for leaving them out")
    parser.add_argument("-directory", type=Path, help="where the messages go (default: the temporary directory)")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        pair = stack.enter_context(local_pair(given.directory, LIMITS))
        if given.idle:
            # First: what a server took once for other work it keeps.
            print(json.dumps(measure_idle(pair, given.idle)), flush=True)
        brokers: dict[str, Broker] = {"pair": OurPair(pair)}
        if not installed():
            print(MISSING, file=sys.stderr)
        elif given.cases:
            directory = stack.enter_context(tempfile.TemporaryDirectory(dir=given.directory, prefix="bench-rabbitmq-"))
            cluster = stack.enter_context(Cluster(Path(directory)))
            brokers |= {"quorum": Quorum(cluster), "classic": Classic(cluster)}
        for case in CASES:
            if case.name in given.cases:
                measure_case(case, brokers, 1)  # warm
                print(json.dumps(measure_case(case, brokers, given.rounds)), flush=True)


if __name__ == "__main__":
    main()
