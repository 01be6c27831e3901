"""How long a subscriber waits for the one message of its destination among millions of others.

    python -m bench.resume [-records 2000000] [-rounds 5] [-replays 20] [-directory DIR]

A store is filled with ``records`` of 60 bytes to eight destinations, and one to a ninth at the beginning.
``resume_ms`` is the time from SUBSCRIBE to that MESSAGE at a real server. ``scan_ms`` is the same file looked through
by SQLite alone, in its order: what it would take without places. ``beside_ms`` is what a subscriber that is one record
behind waits while ``replays`` others replay everything. ``unplaced`` is what storing takes without places, as a share
of what it takes with them.
"""

import argparse
import contextlib
import json
import sqlite3
import statistics
import tempfile
import threading
import time
from pathlib import Path

from messageserver.places import Places
from messageserver.records import Draft
from messageserver.settings import Retention
from messageserver.store import Store
from tests.doubles.stomp import Client
from tests.messageserver.conftest import ServerProcess, application
from tests.messageserver.control_double import ControlDouble
from tests.ports import free_port

GROUP, BODY, RARE = 1000, b"x" * 60, "/topic/rare"
DESTINATIONS = [f"/topic/orders.{number}" for number in range(8)]
KEEP_ALL = Retention(records=0, days=0, megabytes=0, dedup_window=1000)
WRITE_GROUP, WRITE_GROUPS, WRITE_ROUNDS = 250, 40, 15
WAIT_S = 120


def fill(directory: Path, records: int) -> None:
    store = Store(directory, KEEP_ALL)
    store.grant("primary", 1, 1)
    store._db.execute("PRAGMA synchronous=OFF")
    drafts = [Draft(DESTINATIONS[number % len(DESTINATIONS)], b"", BODY) for number in range(GROUP)]
    store.append([Draft(RARE, b"", b"here")], 1)
    for _ in range(records // GROUP):
        store.append(drafts, 1)
    store.close()


def scan_ms(directory: Path) -> float:
    with contextlib.closing(sqlite3.connect(f"file:{directory / 'messages.db'}?mode=ro", uri=True)) as db:
        began = time.perf_counter()
        assert db.execute("SELECT count(*) FROM records WHERE destination = ?", (RARE,)).fetchone() == (1,)
        return (time.perf_counter() - began) * 1000


def one_ms(client: Client, destination: str, from_seq: int, ident: str) -> float:
    began = time.perf_counter()
    client.subscribe(destination, ident, from_seq=str(from_seq))
    client.expect("MESSAGE")
    return (time.perf_counter() - began) * 1000


def replay(port: int, going: threading.Event, ends: threading.Event) -> None:
    with Client(port) as client:
        client.wait_s = WAIT_S
        client.send("SUBSCRIBE", {"id": "all", "destination": "/topic/*", "from-seq": "1"})
        while not ends.is_set() and client.socket.recv(1 << 18):
            going.set()


def beside_ms(port: int, replays: int, records: int, rounds: int) -> list[float]:
    going, ends = [threading.Event() for _ in range(replays)], threading.Event()
    readers = [threading.Thread(target=replay, args=(port, each, ends)) for each in going]
    for reader in readers:
        reader.start()
    try:
        assert all(each.wait(WAIT_S) for each in going)
        with Client(port) as client:
            client.wait_s = WAIT_S
            return [one_ms(client, "/topic/*", records + 1, f"beside-{number}") for number in range(rounds)]
    finally:
        ends.set()
        for reader in readers:
            reader.join()


class NoPlaces(Places):
    """What the store does without them."""

    def add(self, destinations: set[str], first: int, last: int) -> None:
        pass


def writing_s(store: Store, destinations: list[str]) -> float:
    """Seconds of processor that storing takes."""
    drafts = [Draft(destinations[number % len(destinations)], b"", BODY) for number in range(WRITE_GROUP)]
    began = time.thread_time()
    for _ in range(WRITE_GROUPS):
        store.append(drafts, 1)
    return time.thread_time() - began


def unplaced(directory: Path) -> float:
    """What storing records of few destinations costs without places, as a share of what it costs with them."""
    stores = [Store(directory / name, KEEP_ALL) for name in ("with", "without")]
    for store in stores:
        store.grant("primary", 1, 1)
    stores[1].places.__class__ = NoPlaces
    try:
        pairs = [[writing_s(store, DESTINATIONS) for store in stores] for _ in range(WRITE_ROUNDS)]
    finally:
        for store in stores:
            store.close()
    return statistics.median(without / placed for placed, without in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.resume", description=__doc__.splitlines()[0])
    parser.add_argument("-records", type=int, default=2_000_000)
    parser.add_argument("-rounds", type=int, default=5)
    parser.add_argument("-replays", type=int, default=20)
    parser.add_argument("-directory", type=Path, help="where the messages go (default: the temporary directory)")
    given = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory(dir=given.directory, prefix="bench-") as name:
        data = Path(name) / "server" / "data"
        fill(data, given.records)
        scans = [scan_ms(data) for _ in range(given.rounds)]
        options = {"clients": {"bench": "benchpass"}, "log": {"verbose": "standard", "all": "stdout"}, "messages": {
            "retention-records": "0"}}
        with ControlDouble(application(port, options=options)) as control, ServerProcess(
                Path(name) / "server", control, port=port) as server:
            server.serving()
            with Client(port) as client:
                client.wait_s = WAIT_S
                resumes = [one_ms(client, RARE, 1, f"rare-{number}") for number in range(given.rounds)]
            beside = beside_ms(port, given.replays, given.records, given.rounds)
        share = unplaced(Path(name))
    resume, scan = statistics.median(resumes), statistics.median(scans)
    print(json.dumps({"bench": "resume", "records": given.records, "resume_ms": round(resume, 1),
                      "resume_worst_ms": round(max(resumes), 1), "scan_ms": round(scan, 1),
                      "ratio": round(scan / resume, 1), "replays": given.replays,
                      "beside_ms": round(statistics.median(beside), 1), "beside_worst_ms": round(max(beside), 1),
                      "unplaced": round(share, 3)}))


if __name__ == "__main__":
    main()
