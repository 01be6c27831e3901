"""The parts of ``bench.log`` that work in the console's own code: ``python -m bench._log_parts PART ...``, with the
settings of the run that is measured, or of an empty data directory."""

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace

from . import _log_rows
from ._log_rows import DAY_MS, DAYS, FIRST_NUMBER, INSERT, RARE

PAGE_MS, TRIM_LOCK_MS, LATENCY_S = 200.0, 100.0, 2.0
AT_ONCE = 2000
LATE_S = 30.0
ANSWERS_S = 3.0
WATCHED = "Bench_latency"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench._log_parts")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("-n", type=int, default=0)
    parser.add_argument("-rate", type=int, default=0)
    parser.add_argument("-seconds", type=float, default=0)
    given = parser.parse_args()
    import django

    django.setup()
    for figures in PARTS[given.part](given):
        print(json.dumps(figures), flush=True)


def empty_log() -> str:
    """The path of the log database, made."""
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", database="log", verbosity=0)
    return str(connections["log"].settings_dict["NAME"])


def log_connection() -> sqlite3.Connection:
    """As the console sets it up."""
    from django.db import connections

    connections["log"].ensure_connection()
    return connections["log"].connection


def followed():
    from provisioning.logs.worker import kept

    return kept.followed(application_id=1, identity="bench", name="Bench")


# --- what SQLite alone takes


def insert(given: argparse.Namespace) -> Iterator[dict]:
    """Rows of the log table, with its indexes, in transactions as large as the reader's, without anything else."""
    empty_log()
    pair = followed().pk
    some = _log_rows.rows(pair, 1, given.n, int(time.time() * 1000), DAY_MS)
    connection = log_connection()
    begun = time.perf_counter()
    for first in range(0, given.n, AT_ONCE):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT, some[first:first + AT_ONCE])
        connection.execute("COMMIT")
    yield {"per_s": round(given.n / (time.perf_counter() - begun))}


# --- from SEND to the page


def latency(given: argparse.Namespace) -> Iterator[dict]:
    """Records are sent to the pair that is chosen while the page's own search looks for them all the time."""
    from protocol import log_logins
    from provisioning.logs.worker.source import source

    [target, *_] = source(log_logins.PROGRAMS).targets
    seen = sorted(asyncio.run(_watched(target, given.rate, round(given.rate * given.seconds))))
    p99 = seen[int(len(seen) * 0.99)]
    yield {"records": len(seen), "per_s": given.rate, "p50_ms": round(statistics.median(seen) * 1000, 1),
           "p99_ms": round(p99 * 1000, 1), "worst_ms": round(seen[-1] * 1000, 1), "limit_ms": LATENCY_S * 1000,
           "ratio": round(p99 / LATENCY_S, 3)}


async def _watched(target, rate: int, count: int) -> list[float]:
    sent: list[float] = []
    looking = asyncio.create_task(asyncio.to_thread(_seen, sent, count))
    await _send(target, rate, count, sent)
    return await looking


async def _send(target, rate: int, count: int, sent: list[float]) -> None:
    from protocol.log_records import LogRecord
    from protocol.stomp_client import dialled, entered, write

    _, writer = streams = await dialled(target)
    await entered(target, *streams)
    begun = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        record = LogRecord("00-04599", "standard", WATCHED, str(number), at_ms=int(time.time() * 1000))
        sent.append(time.monotonic())
        write(writer, "SEND", {**record.headers(), "destination": record.destination()}, record.text)
        await writer.drain()
    await asyncio.sleep(ANSWERS_S)
    writer.transport.abort()


def _seen(sent: list[float], count: int) -> list[float]:
    from provisioning.logs.facts import Query
    from provisioning.logs.selectors.records import find

    late: dict[int, float] = {}
    deadline = time.monotonic() + LATE_S
    while len(late) < count:
        rows, now = find(Query(application=WATCHED)).rows, time.monotonic()
        for number in (int(row.text) for row in rows):
            late.setdefault(number, now - sent[number])
        if len(sent) < count:
            deadline = now + LATE_S
        if now > deadline:
            raise SystemExit(f"{count - len(late)} of {count} records were not seen within {LATE_S:g} s.")
        time.sleep(0.002)
    return list(late.values())


# --- searching millions


def search(given: argparse.Namespace) -> Iterator[dict]:
    from django.db import connections

    now_ms = int(time.time() * 1000)
    begun = time.perf_counter()
    path, pair = empty_log(), followed()
    connections.close_all()
    _log_rows.fill(path, pair.pk, given.n, now_ms)
    yield {"bench": "log_fill", "records": given.n, "s": round(time.perf_counter() - begun, 1)}
    lines = [_searched(name, query, now_ms) for name, query in _queries(now_ms, given.n).items()]
    yield from lines
    worst = max(lines, key=lambda line: line["worst_ms"])
    yield {"bench": "log_search", "filter": "all of these", "records": given.n, "slowest": worst["filter"],
           "worst_ms": worst["worst_ms"], "limit_ms": PAGE_MS, "ratio": round(worst["worst_ms"] / PAGE_MS, 2)}
    yield _pages(now_ms)
    yield from _trimmed(pair, given.seconds, now_ms)


def _queries(now_ms: int, count: int) -> dict:
    from provisioning.logs.facts import Query

    day = Query(since=now_ms - 12 * DAY_MS, until=now_ms - 11 * DAY_MS)
    number, often = FIRST_NUMBER, "App_000"
    return {
        "none": Query(), "a day": day, "level alarm": Query(level="alarm"), "level standard": Query(level="standard"),
        "number": Query(event=number), "number that nobody said": Query(event=9999),
        "application": Query(application=often), "application, rare": Query(application=RARE),
        "part of an application": Query(application="pp_00"), "host": Query(host="host-07"),
        "category audit": Query(category="audit"), "text, often": Query(text="WAS LOST"),
        "text that nobody said": Query(text="never said"), "text of one": Query(text=f" {count // 2}"),
        "application, number": Query(application=often, event=number + 1),
        "application, level": Query(application="App_100", level="alarm"),
        "application, number, no hit": Query(application=RARE, event=9999),
        "application and a host that is not its own": Query(application=often, host="host-07"),
        "host, level, number": Query(host="host-07", level="alarm", event=number + 39),
        "number, host, text that nobody said": Query(event=number, host="host-07", text="never said"),
        "level, category": Query(level="alarm", category="audit"),
        "a day, level, number": replace(day, level="alarm", event=number),
        "a day, text that nobody said": replace(day, text="never said")}


def _searched(name: str, query, now_ms: int) -> dict:
    """At the top, in the middle and near the end of all records, each three times."""
    from provisioning.logs.facts import Cursor
    from provisioning.logs.selectors.records import find

    times, looked, rows = [], [], []
    for days in (0, DAYS / 2, DAYS - 1):
        before = Cursor(round(now_ms - days * DAY_MS), 10**12) if days else None
        for _ in range(3):
            begun = time.perf_counter()
            found = find(query, before=before)
            times.append((time.perf_counter() - begun) * 1000)
        rows.append(len(found.rows))
        if found.looked_to:
            looked.append(round((now_ms - found.looked_to.at) / DAY_MS - days, 2))
    return {"bench": "log_search", "filter": name, "median_ms": round(statistics.median(times), 1),
            "worst_ms": round(max(times), 1), "limit_ms": PAGE_MS, "ratio": round(max(times) / PAGE_MS, 2),
            "rows": rows} | ({"days_searched": looked} if looked else {})


def _pages(now_ms: int) -> dict:
    """The whole page: with 100 records, and of a search that finds none in its time, newest and in the middle."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    from console.up.setup import collect_static

    call_command("migrate", verbosity=0)
    collect_static(lambda text: None)
    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.create_superuser("bench", password="bench"))
    middle = f"before={round(now_ms - DAYS / 2 * DAY_MS)}-{10**12}"
    times = {}
    asked = ("", middle, "text=never+said", f"text=never+said&{middle}")
    for address in (f"/monitoring/log/?{each}" for each in asked):
        client.get(address)
        for _ in range(3):
            begun = time.perf_counter()
            status = client.get(address).status_code
            times.setdefault(address, []).append((time.perf_counter() - begun) * 1000)
        if status != 200:
            raise SystemExit(f"{address} answered {status}.")
    worst = max(max(some) for some in times.values())
    return {"bench": "log_page", "median_ms": [round(statistics.median(some), 1) for some in times.values()],
            "worst_ms": round(worst, 1), "limit_ms": PAGE_MS, "ratio": round(worst / PAGE_MS, 2)}


# --- removing old ones


def _trimmed(pair, seconds: float, now_ms: int) -> Iterator[dict]:
    """One turn of which nothing is in the system's memory; then without pauses, alone and in turns with a reader that
    writes as fast as it can, as in the reader's process."""
    _forget_pages()
    for name, at_once, for_s in (("once, from the disk", 0, 0.0), ("alone", 0, seconds),
                                 ("in turns with writing", AT_ONCE, seconds)):
        removed, written, locks, took_s = _turns(pair, for_s, at_once, now_ms)
        longest = round(locks[-1] * 1000, 1)
        yield {"bench": "log_trim", "trimming": name, "removed_per_s": round(removed / took_s),
               "written_per_s": round(written / took_s), "median_ms": round(statistics.median(locks) * 1000, 1),
               "p99_ms": round(locks[int(len(locks) * 0.99)] * 1000, 1), "worst_ms": longest, "limit_ms": TRIM_LOCK_MS,
               "ratio": round(longest / TRIM_LOCK_MS, 2)}


def _forget_pages() -> None:
    """What is read of the log database from now on comes from the disk."""
    from django.db import connections

    path = str(connections["log"].settings_dict["NAME"])
    connections.close_all()
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _turns(pair, seconds: float, at_once: int, now_ms: int) -> tuple[int, int, list[float], float]:
    """(records removed, records written, seconds for which the table was locked each time, in order, seconds of it
    all); at least one turn."""
    from provisioning.logs.rules.messages import Position, Row
    from provisioning.logs.worker import kept

    some = [Row(*row[1:]) for row in _log_rows.rows(pair.pk, 0, max(1, at_once), now_ms, AT_ONCE)]
    removed = written = 0
    locks: list[float] = []
    begun, seq = time.perf_counter(), max(10**9, pair.seq)
    while not locks or time.perf_counter() < begun + seconds:
        started = time.perf_counter()
        for part in kept.trim_parts(now_ms, 10**9, kept.TRIM_AT_ONCE if locks else kept.TRIM_FIRST):
            locks.append(time.perf_counter() - started)
            removed, started = removed + part, time.perf_counter()
        if at_once:
            batch = [row._replace(seq=seq + place, at=now_ms + written + place, received=now_ms + written + place)
                     for place, row in enumerate(some, 1)]
            seq += at_once
            written += kept.keep(pair, batch, Position(1, seq))
    return removed, written, sorted(locks), time.perf_counter() - begun


PARTS = {"insert": insert, "latency": latency, "search": search}

if __name__ == "__main__":
    main()
