"""Log records as a site has them, many at once: 200 applications on 20 hosts, 40 numbers, 30 days."""

import json
import random
import sqlite3
from collections.abc import Iterator

from protocol.log_records import LEVELS, LogRecord

from ._local_pair import LOGIN, PASSCODE
from .stomp_client import Load

CONNECTIONS, WINDOW, SIZE = 4, 500, 80
APPLICATIONS, HOSTS, NUMBERS, DAYS = 200, 20, 40, 30
DAY_MS = 24 * 3600 * 1000
FIRST_NUMBER = 4500
SHARES = {"alarm": 1, "standard": 70, "interaction": 19, "trace": 10}
AUDIT_SHARE = 0.005
SAID = ("Connection to {} was lost.", "Connection to {} was made.", "Request {} took longer than its limit.",
        "Client {} logged in.", "Client {} left.", "The queue of {} is half full.", "Started with process {}.",
        "Configuration of {} was read.")
BLOCK = 100_000
COLUMNS = ("pair_id", "epoch", "seq", "at", "received", "level", "number", "event", "category", "application", "type",
           "host", "text", "attributes")
INSERT = f"INSERT INTO logbook_record ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
RARE = "App_rare"
"""Has said three things, 20 days ago."""


def records(count: int) -> Iterator[LogRecord]:
    """``count`` of them, always the same."""
    chance = random.Random(20)
    few = [1 / (place + 5) for place in range(APPLICATIONS)]
    applications = chance.choices(range(APPLICATIONS), few, k=count)
    numbers = chance.choices(range(NUMBERS), few[:NUMBERS], k=count)
    levels = chance.choices(LEVELS, [SHARES[level] for level in LEVELS], k=count)
    for application, number, level in zip(applications, numbers, levels, strict=True):
        yield LogRecord(
            number=f"00-{FIRST_NUMBER + number:05d}", level=level, application=f"App_{application:03d}",
            type="MessageServer", host=f"host-{application % HOSTS:02d}",
            text=SAID[number % len(SAID)].format(chance.randrange(100_000)),
            category="audit" if chance.random() < AUDIT_SHARE else "application",
            attributes={"peer": f"App_{chance.randrange(APPLICATIONS):03d}", "session": f"{chance.getrandbits(48):x}"})


def rows(pair: int, first_seq: int, count: int, begin_ms: int, span_ms: int) -> list[tuple]:
    """As COLUMNS, spread evenly over ``span_ms``."""
    return [(pair, 1, first_seq + place, at := begin_ms + place * span_ms // count, at, each.level, each.number,
             int(each.number[3:]), each.category, each.application, each.type, each.host, each.text,
             json.dumps(each.attributes)) for place, each in enumerate(records(count))]


def load(port: int, event: int, count: int, destination: str = "/log/standard") -> Load:
    """``count`` records of all applications to a server of this machine, each SEND with a receipt."""
    heads = tuple(f"event:00-{event:05d}\napplication:App_{number:03d}\ntype:MessageServer\n"
                  f"host:host-{number % HOSTS:02d}\nattr.peer:App_{(number + 1) % APPLICATIONS:03d}\n"
                  for number in range(APPLICATIONS))
    return Load("127.0.0.1", port, LOGIN, PASSCODE, count, CONNECTIONS, WINDOW, SIZE, destination, heads)


def fill(path: str, pair: int, count: int, now_ms: int) -> None:
    """``count`` records of the last 30 days into the empty log database at ``path``; its indexes are made last."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
        connection.execute(f"PRAGMA {pragma}")
    indexes = list(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
                                      "AND tbl_name = 'logbook_record'"))
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("BEGIN")
    _fill(connection, pair, count, now_ms)
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _fill(connection: sqlite3.Connection, pair: int, count: int, now_ms: int) -> None:
    blocks = max(1, count // BLOCK)
    span_ms, begin_ms = DAYS * DAY_MS // blocks, now_ms - DAYS * DAY_MS
    connection.execute("CREATE TEMP TABLE block AS SELECT * FROM logbook_record LIMIT 0")
    connection.executemany(INSERT.replace("logbook_record", "block"), rows(pair, 1, BLOCK, begin_ms, span_ms))
    wanted = ", ".join({"seq": "seq + :seq", "at": "at + :ms", "received": "received + :ms",
                        "text": "text || ' ' || (seq + :seq)"}.get(name, name) for name in COLUMNS)
    for block in range(blocks):
        connection.execute(f"INSERT INTO logbook_record ({', '.join(COLUMNS)}) SELECT {wanted} FROM block",
                           {"seq": block * BLOCK, "ms": block * span_ms})
    some = [blocks * BLOCK // 3 + place for place in (0, 1000, 2000)]
    connection.execute(f"UPDATE logbook_record SET application = ? WHERE id IN ({', '.join(map(str, some))})", [RARE])
