"""The chain of history, what is brought back, rotated keys, how names are ordered and found, log records, alarms and
who is told of them, on a real PostgreSQL: its triggers, locks, letters and types are its own, and it can be away."""

import json
import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from tests.provisioning.notifications.receivers import WebReceiver
from tests.sources import ROOT

from .applications import started
from .harness import PATIENCE, Pairwise, wait_for
from .services import postgres, postgres_server, why_none
from .told import Told

pytestmark = pytest.mark.skipif(bool(why_none()), reason=why_none())
CONFIGURATION = (
    "tests/provisioning/history/test_history_chain.py", "tests/provisioning/keys",
    "tests/provisioning/test_spelling.py",
    "tests/provisioning/history/test_history_restore.py::test_a_deleted_application_comes_back_with_all_it_had_and_its_history",
    "tests/provisioning/history/test_history_pages.py::test_the_deleted_list_costs_the_same_whatever_its_length")
LOG = ("tests/provisioning/logs/test_kept.py", "tests/provisioning/logs/test_records.py",
       "tests/provisioning/charts/test_recorder.py",
       "tests/provisioning/support/test_support_bundle.py::test_log_records_of_the_pair_and_its_hosts_are_inside_newest_first")
"""Log records and figures have a database of their own, which is made there, written, searched and trimmed."""
ALARMS = ("tests/provisioning/alarms/test_judging.py", "tests/provisioning/alarms/test_reactions.py",
          "tests/provisioning/notifications/test_planner.py", "tests/provisioning/notifications/test_outbox.py")
TOGETHER_S = 300 * PATIENCE
ASKS = """
import sys
import django
django.setup()
from django.db import DatabaseError, connection
for _ in sys.stdin:
    try:
        connection.ensure_connection()
        print("answered", flush=True)
    except DatabaseError:
        print("away", flush=True)
    connection.close()
"""
AT_MOST_S = 6.0
"""Until a process that PostgreSQL has been away from for twenty seconds uses it again."""
LOST = ("terminating connection", "server closed the connection", "consuming input failed", "connection is lost")
"""What the driver says of a connection that its server has closed."""


@pytest.mark.long
@pytest.mark.timeout(2 * TOGETHER_S)
def test_what_databases_do_in_their_own_way_passes_on_postgres(tmp_path):
    """One run of all: beside the tests, a server, a process and its migrations cost most of it."""
    with postgres() as database:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CONFIGURATION, *LOG, *ALARMS], cwd=ROOT,
            text=True, capture_output=True, timeout=TOGETHER_S,
            env={**os.environ, "PAIRWISE_DATABASE_URL": database, "PAIRWISE_LOG_DATABASE_URL": f"{database}_log",
                 "PAIRWISE_DATA_DIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.long
def test_a_console_on_postgres_keeps_what_a_program_says_and_tells_of_a_crash(tmp_path):
    with postgres() as database:
        with psycopg.connect(database, autocommit=True) as session:
            session.execute("CREATE DATABASE pairwise_log")
        with Pairwise(tmp_path / "var", cold=True, PAIRWISE_DATABASE_URL=database, PAIRWISE_WEBHOOK_LOOPBACK="1",
                      PAIRWISE_LOG_DATABASE_URL=f"{database}_log") as run, WebReceiver() as receiver:
            server = started(run.start(), "OnPostgres", auto_restart=True)
            path = tmp_path / "log_to.yaml"
            path.write_text("log: {to: OnPostgres}\n")
            run.manage("apply", str(path), "--yes")
            run.manage("logmsg", "--application", "Nightly", "--number", "00-04504", "--level", "alarm", "No backup: Ä")
            wait_for(lambda: texts(run, "Nightly") == ["No backup: Ä"], 15, "what the program said")
            run.end_asked()
            # Whoever uses one next, to see the crash, to judge it or to tell of it, has another one.
            close_connections(database)
            with Told(run, receiver) as told:
                os.kill(server["pid"], signal.SIGKILL)
                crashed = told.wait("Application Failure")
                assert (crashed["application"], crashed["category"]) == ("OnPostgres", "major")
                assert told.wait("Application Failure", "alarm.cleared")["id"] == crashed["id"]
                told.wait_all()
            assert all(len(attempts) == 1 for attempts in told.messages().values())
            logs = {path: path.read_text(errors="replace") for path in run.data_dir.glob("logs/*.log")}
            assert logs
            assert [line for text in logs.values() for line in text.splitlines() if any(map(line.count, LOST))] == []


def close_connections(database: str) -> None:
    """As a restart of PostgreSQL does it, or a firewall, each as soon as nobody is in the middle of something with it;
    but the one that is control's lease, which is lost with it."""
    with psycopg.connect(database, autocommit=True) as session:
        open_now = {pid for pid, in session.execute(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' "
            "AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')")}

        def closed() -> bool:
            session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY(%s) AND state = "
                            "'idle' AND state_change < clock_timestamp() - interval '0.5 seconds'", [[*open_now]])
            left = session.execute("SELECT 1 FROM pg_stat_activity WHERE pid = ANY(%s)", [[*open_now]])
            return left.fetchone() is None

        assert open_now
        wait_for(closed, 60, "no connection that was open before")


@pytest.mark.long
def test_a_process_uses_postgres_within_seconds_of_its_return_however_long_it_was_away(tmp_path):
    with postgres_server() as server, subprocess.Popen(
            [sys.executable, "-c", ASKS], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PAIRWISE_DATABASE_URL": server.url, "PAIRWISE_DATA_DIR": str(tmp_path),
                 "DJANGO_SETTINGS_MODULE": "console.settings"}) as asks:
        try:
            assert database_of(asks) == "answered"
            server.end(signal.SIGQUIT)
            assert [database_of(asks) for _ in range(2)] == ["away", "away"]
            server.start()
            back_at = time.monotonic()
            assert database_of(asks) == "answered"
            assert time.monotonic() - back_at < AT_MOST_S * PATIENCE
        finally:
            asks.kill()


def database_of(process: subprocess.Popen) -> str:
    """How it finds its database now."""
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def texts(run: Pairwise, application: str) -> list[str]:
    done = run.manage("logs", "--application", application, "--json")
    return [json.loads(line)["text"] for line in done.stdout.splitlines()]
