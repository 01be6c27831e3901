"""The chain of history, what is brought back, rotated keys, how names are ordered and found, log records, alarms and
who is told of them, on a real PostgreSQL: its triggers, locks, letters and types are its own."""

import json
import os
import signal
import subprocess
import sys

import psycopg
import pytest

from tests.provisioning.notifications.receivers import WebReceiver
from tests.sources import ROOT

from .applications import started
from .harness import PATIENCE, Pairwise, wait_for
from .services import postgres, why_none
from .told import Told

pytestmark = pytest.mark.skipif(bool(why_none()), reason=why_none())
TESTS = ("tests/provisioning/history/test_history_chain.py", "tests/provisioning/keys",
         "tests/provisioning/test_spelling.py",
         "tests/provisioning/history/test_history_restore.py::test_a_deleted_application_comes_back_with_all_it_had_and_its_history",
         "tests/provisioning/history/test_history_pages.py::test_the_deleted_list_costs_the_same_whatever_its_length")
LOG_TESTS = ("tests/provisioning/logs/test_kept.py", "tests/provisioning/logs/test_records.py",
             "tests/provisioning/charts/test_recorder.py",
             "tests/provisioning/support/test_support_bundle.py::test_log_records_of_the_pair_and_its_hosts_are_inside_newest_first")
"""Log records and figures have a database of their own, which is made there, written, searched and trimmed."""
ALARM_TESTS = ("tests/provisioning/alarms/test_judging.py", "tests/provisioning/alarms/test_reactions.py",
               "tests/provisioning/notifications/test_planner.py", "tests/provisioning/notifications/test_outbox.py")


@pytest.mark.long
@pytest.mark.parametrize("tests", [TESTS, LOG_TESTS, ALARM_TESTS], ids=["configuration", "log", "alarms"])
def test_what_databases_do_in_their_own_way_passes_on_postgres(tmp_path, tests):
    with postgres() as database:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT, text=True,
            capture_output=True, timeout=100 * PATIENCE,
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
            with Told(run, receiver) as told:
                os.kill(server["pid"], signal.SIGKILL)
                crashed = told.wait("Application Failure")
                assert (crashed["application"], crashed["category"]) == ("OnPostgres", "major")
                assert told.wait("Application Failure", "alarm.cleared")["id"] == crashed["id"]
                told.wait_all()
            assert all(len(attempts) == 1 for attempts in told.messages().values())


def texts(run: Pairwise, application: str) -> list[str]:
    done = run.manage("logs", "--application", application, "--json")
    return [json.loads(line)["text"] for line in done.stdout.splitlines()]
