"""The chain of history, what is brought back, rotated keys, and how names are ordered and found, on a real PostgreSQL:
its triggers, locks, letters and types are its own."""

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


@pytest.mark.long
def test_what_databases_do_in_their_own_way_passes_on_postgres(tmp_path):
    with postgres() as database:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS], cwd=ROOT, text=True,
            capture_output=True, timeout=100 * PATIENCE,
            env={**os.environ, "PAIRWISE_DATABASE_URL": database, "PAIRWISE_DATA_DIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
