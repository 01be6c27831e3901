"""The centralized log on a real pair of this machine, and searches in millions of records.

    python -m bench.log [-n 200000] [-rate 200] [-seconds 20] [-kills 5] [-records 5000000] [-only pair failover search]
                        [-directory DIR]

``log_through``: log records that publishers have acknowledged by the pair and that stand in the console's table a
second, from the first SEND to the last row; beside it what the pair acknowledges while nobody reads, what the reader
takes of a log that is there already, and what SQLite inserts alone. ``ratio`` is over the lesser of the first and the
last; ``processor_us`` is what a record costs each kind of process, also on a machine that does other work.
``log_latency``: from SEND until the page's search finds the record. ``log_failover``: the outage when the active server
of another pair is killed, beside nothing, beside as many messages and beside as many log records as a pair takes, in
turn; ``ratio`` is over the first, and the second shows what it costs that the processors are busy. ``log_search``: a
page of 100 by each filter, at the newest, in the middle and near the oldest. ``log_page``: the whole page.
``log_trim``: removing what is too old, once when nothing of it is in memory, then without pauses, alone and in turns
with writing, and how long each transaction kept the table locked.
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.scenarios.harness import ROOT, wait_for

from . import _cpu
from ._local_pair import LocalPair, local_pair
from ._log_failover import measure_outages
from ._log_rows import CONNECTIONS, SIZE, WINDOW, load
from .stomp_client import Result, measure

ALONE, THROUGH = 4597, 4598
"""Events of the records of each measurement."""
WARM = 10_000
LOAD_S, COLLECTED_S, PART_S = 120, 180, 600


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.log", description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=200_000, help="log records that go through the pair")
    parser.add_argument("-rate", type=int, default=200, help="records a second of which the latency is measured")
    parser.add_argument("-seconds", type=float, default=20, help="how long that, and trimming, is measured")
    parser.add_argument("-kills", type=int, default=5, help="failovers beside nothing, messages and log records each")
    parser.add_argument("-records", type=int, default=5_000_000, help="records that are searched")
    parser.add_argument("-only", nargs="+", choices=MEASURED, default=tuple(MEASURED))
    parser.add_argument("-directory", type=Path, help="where the data goes (default: the temporary directory)")
    given = parser.parse_args()
    # Whoever ends it ends the pair with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for name in given.only:
        for figures in MEASURED[name](given):
            print(json.dumps(figures), flush=True)


def measure_pair(given: argparse.Namespace) -> Iterator[dict]:
    with local_pair(given.directory) as pair:
        pair.log_to("")
        sent(pair, ALONE, WARM)
        alone = sent(pair, ALONE, given.n)
        begun = time.monotonic()
        pair.log_to(pair.names[0])
        wait_collected(pair, ALONE, WARM + given.n)
        backlog = (WARM + given.n) / (time.monotonic() - begun)
        begun, before = time.monotonic(), _cpu.look()
        through = sent(pair, THROUGH, given.n)
        wait_collected(pair, THROUGH, given.n)
        per_s, used = given.n / (time.monotonic() - begun), _cpu.spent(before, _cpu.look())
        with scratch(given.directory) as environment:
            [limit] = part("insert", environment, "-n", given.n)
        yield {"bench": "log_through", "records": given.n, "connections": CONNECTIONS, "window": WINDOW, "size": SIZE,
               "collected_per_s": round(per_s), "acked_per_s": round(through.per_second),
               "acked_p99_ms": round(through.percentile(0.99), 1), "backlog_per_s": round(backlog),
               "pair_alone_per_s": round(alone.per_second), "sqlite_alone_per_s": limit["per_s"],
               "ratio": round(per_s / min(alone.per_second, limit["per_s"]), 2),
               "processor_us": {kind: round(seconds / given.n * 1e6, 1) for kind, seconds in used.most_common(6)}}
        [latency] = part("latency", pair.run.environment, "-rate", given.rate, "-seconds", given.seconds)
        yield {"bench": "log_latency", **latency}


def sent(pair: LocalPair, event: int, count: int) -> Result:
    """By an ordinary client: ``count`` records."""
    return measure(load(pair.ports[pair.wait_whole()], event, count), LOAD_S)


def wait_collected(pair: LocalPair, event: int, count: int) -> None:
    """Until the console's table has ``count`` records of ``event``. Raises AssertionError, also when it has more."""
    table = sqlite3.connect(f"file:{pair.run.data_dir / 'log.sqlite3'}?mode=ro", uri=True, timeout=20)

    def there() -> int:
        return table.execute("SELECT COUNT(*) FROM logbook_record WHERE event = ?", [event]).fetchone()[0]

    try:
        wait_for(lambda: there() >= count, COLLECTED_S, f"{count} collected records", every=0.1)
        assert there() == count, f"{there()} records instead of {count}"
    finally:
        table.close()


def measure_failover(given: argparse.Namespace) -> Iterator[dict]:
    return measure_outages(given.directory, given.kills)


def measure_search(given: argparse.Namespace) -> Iterator[dict]:
    with scratch(given.directory) as environment:
        yield from part("search", environment, "-n", given.records, "-seconds", given.seconds)


def scratch(directory: Path | None) -> "Scratch":
    return Scratch(prefix="pairwise-bench-", dir=directory)


class Scratch(tempfile.TemporaryDirectory):
    """The environment of a console with an empty data directory."""

    def __enter__(self) -> dict[str, str]:
        return {**os.environ, "PAIRWISE_DATA_DIR": super().__enter__(), "DJANGO_SETTINGS_MODULE": "console.settings",
                "PAIRWISE_LOG_LEVEL": "ERROR"}


def part(name: str, environment: dict[str, str], *options: object) -> Iterator[dict]:
    """What a part that works in the console's own code has measured."""
    done = subprocess.run([sys.executable, "-m", "bench._log_parts", name, *map(str, options)], cwd=ROOT,
                          env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=PART_S)
    return map(json.loads, done.stdout.splitlines())


MEASURED = {"pair": measure_pair, "failover": measure_failover, "search": measure_search}

if __name__ == "__main__":
    main()
