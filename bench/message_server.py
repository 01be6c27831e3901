"""Acknowledged sends a second of a real Message Server, beside the limit that the same disk sets in the same run.

    python -m bench.message_server [-n 200000] [-conns 4] [-window 250] [-size 300] [-directory DIR]

The limit is a bare SQLite file (WAL, synchronous=FULL) that commits the same rows in groups of conns x window: no
network, no parsing, no digest. ``ratio`` is the server's rate over that limit.
"""

import argparse
import json
import sqlite3
import tempfile
import time
from pathlib import Path

from tests.messageserver.conftest import ServerProcess, application
from tests.messageserver.control_double import ControlDouble
from tests.ports import free_port

from .stomp_client import Load, add_load_arguments, measure, summary


def disk_limit(directory: Path, *, rows: int, group: int, size: int) -> float:
    """Rows a second that SQLite alone commits durably in groups of ``group`` rows."""
    connection = sqlite3.connect(directory / "limit.db", isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, epoch, time, destination, headers, body)")
        body, start = b"x" * size, time.perf_counter()
        for first in range(1, rows, group):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO records VALUES (?,?,?,?,?,?)",
                                   [(seq, 1, 0, "/topic/bench", b"", body) for seq in range(first, first + group)])
            connection.execute("COMMIT")
        return rows / (time.perf_counter() - start)
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.message_server", description=__doc__.splitlines()[0])
    parser.add_argument("-directory", type=Path, help="where the messages go (default: the temporary directory)")
    add_load_arguments(parser)
    given = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory(dir=given.directory, prefix="bench-") as name:
        options = {"clients": {"bench": "benchpass"}, "log": {"verbose": "standard", "all": "stdout"}}
        control = ControlDouble(application(port, options=options))
        server = ServerProcess(Path(name) / "server", control, port=port)
        try:
            server.serving()
            load = Load("127.0.0.1", port, "bench", "benchpass", given.n, given.conns, given.window, given.size)
            measure(Load("127.0.0.1", port, "bench", "benchpass", min(given.n, 8 * given.window), given.conns,
                         given.window, given.size))  # warm up: first pages, first imports
            figures = summary(load, measure(load))
        finally:
            server.end()
            control.close()
        limit = disk_limit(Path(name), rows=given.n, group=given.conns * given.window, size=given.size)
    print(json.dumps({"bench": "message_server", **figures, "limit_per_s": round(limit),
                      "ratio": round(figures["acked_per_s"] / limit, 3)}))


if __name__ == "__main__":
    main()
