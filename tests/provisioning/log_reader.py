"""The process of the log reader, which tests kill."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.conf import settings

from tests.sources import ROOT


@pytest.fixture
def process(tmp_path):
    """The process of the log reader, on the database of the test."""
    where = {name: settings.DATABASES[alias] for name, alias in (
        ("PAIRWISE_DATABASE_URL", "default"), ("PAIRWISE_CONTROL_DATABASE_URL", "control"),
        ("PAIRWISE_LOG_DATABASE_URL", "log"))}
    if any("sqlite3" not in each["ENGINE"] for each in where.values()):
        pytest.skip("The process is told of the test's database by its file.")
    environment = {**os.environ, "PAIRWISE_WEBHOOK_LOOPBACK": "1", "DJANGO_SETTINGS_MODULE": "console.settings",
                   "PAIRWISE_DATA_DIR": str(settings.PAIRWISE_DATA_DIR),
                   **{name: f"sqlite:///{each['NAME']}" for name, each in where.items()}}

    @contextmanager
    def running():
        with open(tmp_path / "log", "a") as log:
            started = subprocess.Popen([sys.executable, "manage.py", "runlog"], cwd=ROOT, env=environment, stdout=log,
                                       stderr=log)
        try:
            yield started
        finally:
            started.kill()
            started.wait()
    return running
