"""How long clients get no acknowledgement when the active server or its host is lost.

    python -m bench.failover [-kills 50] [-silences 5] [-rate 500]

The outage is the longest time without an acknowledgement that two publishers saw, from the last one of the lost member
to the first one of the other: detection, decision, promotion and the clients' own way there. Publishers send with
dedup-id; at the end everything is read back, and nothing that was acknowledged may be missing or doubled.

``kill``: kill -9 of the active server, its agent lives. ``freeze``: server and agent of the active host stand still
(SIGSTOP). ``cut``: the cable of the active host is pulled. The last two need hosts of their own (network namespaces,
root) and are left out where they cannot be made.
"""

import argparse
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.scenarios.harness import wait_for
from tests.scenarios.hosts import VirtualHost, why_no_hosts
from tests.scenarios.ledger import Ledger
from tests.scenarios.pairs import Pair
from tests.scenarios.site import Site

from ._local_pair import LOGIN, PASSCODE, LocalPair, local_pair

STABLE_S = 12.0
"""The agent restarts a server at once that has run for 10 s, one that fails sooner later; psutil is a second off."""
SETTLE_ACKNOWLEDGEMENTS = 100
WHOLE_S, READ_BACK_S = 60, 300


def one_outage(ledger: Ledger, fault: Callable[[], None], whole: Callable[[], object]) -> tuple[float, float]:
    """(outage, time from the fault until the pair was whole again) in seconds."""
    ledger.wait_acknowledged(SETTLE_ACKNOWLEDGEMENTS)
    ledger.acks.forget(time.monotonic())
    happened = ledger.fault(fault)
    whole()
    again = time.monotonic() - happened.since
    return happened.outage(WHOLE_S), again


def report(fault: str, outages: list[tuple[float, float]], messages: int) -> dict:
    """``messages`` were acknowledged and found again, each once."""
    lengths = sorted(outage * 1000 for outage, _ in outages)
    return {"bench": "failover", "fault": fault, "rounds": len(lengths), "median_ms": round(statistics.median(lengths)),
            "p95_ms": round(lengths[min(len(lengths) - 1, int(len(lengths) * 0.95))]), "max_ms": round(lengths[-1]),
            "whole_again_s": round(statistics.median(again for _, again in outages), 2), "messages": messages}


def measure_kills(pair: LocalPair, rounds: int, rate: float) -> dict:
    outages = []
    with Ledger(pair.addresses, LOGIN, PASSCODE, rate=rate, name="kills") as ledger:
        for _ in range(rounds):
            wait_stable(pair)
            outages.append(one_kill(pair, ledger))
        messages = ledger.check(READ_BACK_S)
    return report("kill", outages, messages)


def wait_stable(pair: LocalPair) -> None:
    """Until the pair is whole, and whoever serves is started again at once when it is killed."""
    process = psutil.Process(pair.pid(pair.wait_whole()))
    wait_for(lambda: time.time() - process.create_time() > STABLE_S, 2 * STABLE_S, "stable")


def one_kill(pair: LocalPair, ledger: Ledger) -> tuple[float, float]:
    """kill -9 of who serves: as ``one_outage``."""
    active = pair.wait_whole()
    return one_outage(ledger, psutil.Process(pair.pid(active)).kill, lambda: whole_without(pair, active))


def whole_without(pair: LocalPair, killed: str) -> None:
    """Until the other member of the one that was killed serves and is in sync with it."""
    wait_for(lambda: pair.facts()["active"] == pair.other(killed), WHOLE_S, f"{pair.other(killed)} active", every=0.02)
    pair.wait_whole()


def freeze(host: VirtualHost, server: int) -> Callable[[], None]:
    """Server and agent stand still; the result makes them go on."""
    stopped = [host.agent_pid(), server]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)

    def go_on() -> None:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    return go_on


def cut(host: VirtualHost, _server: int) -> Callable[[], None]:
    host.cut()
    return host.heal


def measure_silences(pair: Pair, fault: Callable, rounds: int, rate: float) -> dict:
    outages = []
    with pair.ledger(rate=rate) as ledger:
        for _ in range(rounds):
            pair.wait_whole(WHOLE_S)
            lost = pair.active
            outages.append(one_silence(pair, ledger, fault, lost))
        messages = ledger.check(READ_BACK_S)
    return report(fault.__name__, outages, messages)


def one_silence(pair: Pair, ledger: Ledger, fault: Callable, lost) -> tuple[float, float]:
    undo: list[Callable[[], None]] = []

    def healed() -> None:
        try:
            pair.wait("the other member active", WHOLE_S, active=pair.other(lost).name)
            ledger.wait_acknowledged(SETTLE_ACKNOWLEDGEMENTS, timeout=WHOLE_S)
        finally:
            undo.pop()()
        pair.wait_whole(WHOLE_S)

    server = lost.pid()
    return one_outage(ledger, lambda: undo.append(fault(lost.host, server)), healed)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.failover", description=__doc__.splitlines()[0])
    parser.add_argument("-kills", type=int, default=50)
    parser.add_argument("-silences", type=int, default=5, help="rounds of freeze and of cut")
    parser.add_argument("-rate", type=float, default=500, help="messages a second of all publishers together")
    given = parser.parse_args()
    if given.kills:
        with local_pair() as pair:
            print(json.dumps(measure_kills(pair, given.kills, given.rate)), flush=True)
    if given.silences and (reason := why_no_hosts()):
        print(f"A silent host is left out: {reason}.", file=sys.stderr)
    elif given.silences:
        with tempfile.TemporaryDirectory(prefix="pairwise-bench-") as directory, Site(Path(directory)) as site:
            pair = Pair(site, "Bench")
            for fault in (freeze, cut):
                print(json.dumps(measure_silences(pair, fault, given.silences, given.rate)), flush=True)
            pair.stop()


if __name__ == "__main__":
    main()
