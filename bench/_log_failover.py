"""Whether the log delays what control decides: a part of ``bench.log``.

The active server of a pair is killed beside nothing, beside another pair that takes as many messages as it can, and
beside that pair while they are log records and the console reads them, in turn.
"""

import contextlib
import json
import multiprocessing
import sqlite3
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.scenarios.harness import wait_for
from tests.scenarios.ledger import Ledger

from ._local_pair import LOGIN, PASSCODE, LocalPair, local_pair
from ._log_rows import load
from .failover import READ_BACK_S, one_kill, wait_stable
from .stomp_client import measure

BESIDE = {"nothing": "", "messages": "/topic/bench", "log records": "/log/standard"}
"""Where messages are sent to meanwhile."""
LOG = "log records"
RATE = 500
"""Messages a second to the pair whose server is killed."""
EVENT, ENDLESS, WARM = 4596, 10**9, 10_000
FLOWS_S, READS_S = 60, 30


def measure_outages(directory: Path | None, rounds: int) -> Iterator[dict]:
    outages, rates = defaultdict(list), defaultdict(list)
    with local_pair(directory) as pair:
        carrier = LocalPair(pair.run, "Carrier")
        with Ledger(pair.addresses, LOGIN, PASSCODE, rate=RATE, name="beside") as ledger:
            for _ in range(rounds):
                for name in BESIDE:
                    wait_stable(pair)
                    with beside(carrier, name) as per_s:
                        outages[name].append(one_kill(pair, ledger)[0] * 1000)
                    rates[name] += per_s
            ledger.check(READ_BACK_S)
    alone = statistics.median(outages["nothing"])
    for name, some in outages.items():
        median = statistics.median(some)
        yield {"bench": "log_failover", "beside": name, "rounds": rounds, "median_ms": round(median),
               "worst_ms": round(max(some)), "taken_per_s": round(statistics.median(rates[name])),
               "ratio": round(median / alone, 2)}


@contextlib.contextmanager
def beside(carrier: LocalPair, name: str) -> Iterator[list[float]]:
    """In the block ``carrier`` takes as much of that as it can; afterwards the list has how many a second it were."""
    per_s = []
    carrier.log_to(carrier.names[0] if name == LOG else "")
    wait_read(carrier, is_wanted=name == LOG)
    with contextlib.ExitStack() as stack:
        if BESIDE[name]:
            stack.enter_context(sending(carrier, BESIDE[name]))
        began, before = time.monotonic(), last_seq(carrier)
        yield per_s
        per_s.append((last_seq(carrier) - before) / (time.monotonic() - began))


@contextlib.contextmanager
def sending(carrier: LocalPair, destination: str) -> Iterator[None]:
    """By a process of its own, as what is measured shares this one with nobody."""
    what = load(carrier.ports[carrier.wait_whole()], EVENT, ENDLESS, destination)
    process = multiprocessing.get_context("spawn").Process(target=measure, args=(what,), daemon=True)
    begin = last_seq(carrier)
    process.start()
    try:
        wait_for(lambda: last_seq(carrier) > begin + WARM, FLOWS_S, "messages under way", every=0.1)
        yield
        if not process.is_alive():
            raise SystemExit("Whoever sent the messages ended before the measurement.")
    finally:
        process.kill()
        process.join()


def last_seq(carrier: LocalPair) -> int:
    """Of the messages that who serves of ``carrier`` has stored; what the console shows is older."""
    directory = carrier.run.application(carrier.facts()["active"])["working_directory"]
    with contextlib.closing(sqlite3.connect(f"file:{directory}/data/messages.db?mode=ro", uri=True)) as store:
        return store.execute("SELECT COALESCE(MAX(seq), 0) FROM records").fetchone()[0]


def wait_read(carrier: LocalPair, *, is_wanted: bool) -> None:
    """Until the log reader reads the records of ``carrier``, or of nobody."""
    table = sqlite3.connect(f"file:{carrier.run.data_dir / 'pairwise.sqlite3'}?mode=ro", uri=True, timeout=20)

    def member() -> str:
        [[facts]] = table.execute("SELECT facts FROM provisioning_componentheartbeat WHERE name = ?", ["log-reader"])
        return json.loads(facts)["member"]

    try:
        wait_for(lambda: bool(member()) == is_wanted, READS_S, "the log reader", every=0.1)
    finally:
        table.close()
