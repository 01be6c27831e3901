"""The process that sends is killed, and the next one goes on where it was."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.conf import settings

from provisioning.history import history
from provisioning.models import Shipment
from tests import factories
from tests.sources import ROOT
from tests.waiting import wait_for

from .collectors import Collector, one_then_close, read_all
from .test_watch import is_complete

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_control", "no_broker"),
              pytest.mark.long]
MANY = 60


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


def test_no_entry_is_lost_and_none_comes_before_the_one_in_front_of_it(process):
    row = factories.make_host()
    with history.atomic():
        for number in range(MANY):
            history.record_verb(actor=factories.ADMINISTRATOR, row=row, reason=f"It happened {number}.")
    with Collector(*[one_then_close] * 12, read_all) as collector:
        factories.make_target("siem", address=collector.address)
        with process() as first:
            wait_for(lambda: len(collector.got) > 3, 30, "some entries")
            first.kill()
            first.wait()
        with process() as second:
            wait_for(lambda: Shipment.objects.get().number == MANY, 30, "all entries")
            second.terminate()
            assert second.wait(10) == 0
    assert is_complete(collector.numbers, MANY)
