"""The chain of history, what is brought back, rotated keys, how names are ordered and found, and log records, on a real
PostgreSQL: its triggers, locks, letters and types are its own."""

import os
import subprocess
import sys

import pytest

from tests.sources import ROOT

from .harness import PATIENCE
from .services import postgres, why_none

pytestmark = pytest.mark.skipif(bool(why_none()), reason=why_none())
TESTS = ("tests/provisioning/history/test_history_chain.py", "tests/provisioning/test_keys.py",
         "tests/provisioning/test_spelling.py",
         "tests/provisioning/history/test_history_restore.py::test_a_deleted_application_comes_back_with_all_it_had_and_its_history",
         "tests/provisioning/history/test_history_pages.py::test_the_deleted_list_costs_the_same_whatever_its_length")
LOG_TESTS = ("tests/provisioning/logs/test_kept.py", "tests/provisioning/logs/test_records.py",
             "tests/provisioning/support/test_support_bundle.py::test_log_records_of_the_pair_and_its_hosts_are_inside_newest_first")
"""Log records have a database of their own, which is made there, written, searched and trimmed."""


@pytest.mark.long
@pytest.mark.parametrize("tests", [TESTS, LOG_TESTS], ids=["configuration", "log"])
def test_what_databases_do_in_their_own_way_passes_on_postgres(tmp_path, tests):
    with postgres() as database:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests], cwd=ROOT, text=True,
            capture_output=True, timeout=100 * PATIENCE,
            env={**os.environ, "PAIRWISE_DATABASE_URL": database, "PAIRWISE_LOG_DATABASE_URL": f"{database}_log",
                 "PAIRWISE_DATA_DIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
