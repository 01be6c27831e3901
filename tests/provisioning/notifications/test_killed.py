"""The process that tells is killed, and the next one goes on where it was."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.utils import timezone

from provisioning.alarms.worker.judging import look
from provisioning.models import Delivery, DeliveryAttempt, Event
from provisioning.notifications.worker.planner import plan
from provisioning.states import DeliveryState
from tests import factories
from tests.sources import ROOT
from tests.waiting import wait_for

from .receivers import WebReceiver, answering, hanging

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_control", "no_broker"),
              pytest.mark.long]


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


def test_a_message_that_was_on_its_way_comes_again_by_the_same_number_and_none_is_lost(process, pair):
    look()
    plan()
    with WebReceiver(hanging, answering(200)) as receiver:
        factories.make_rule(factories.make_channel(fields={"url": receiver.url}), group_s=0)
        Event.objects.create(at=timezone.now(), number=5024, application=pair[0], host=pair[0].host, text="Killed.")
        with process() as first:
            wait_for(lambda: receiver.got, 30, "the first message")
            first.kill()
            first.wait()
        row = Delivery.objects.get()
        assert (row.state, DeliveryAttempt.objects.count()) == (DeliveryState.WAITING, 0)
        receiver.ended.set()
        # While nobody tells, more happens; and the time goes by in which the killed one might still have been at it.
        Event.objects.create(at=timezone.now(), number=5024, application=pair[1], host=pair[1].host, text="Killed.")
        Delivery.objects.update(due_at=timezone.now())
        with process() as second:
            wait_for(lambda: Delivery.objects.filter(state=DeliveryState.SENT).count() == 2, 30, "both messages")
            second.terminate()
            assert second.wait(10) == 0
    ids = [headers["webhook-id"] for _, headers, _ in receiver.got]
    assert len(ids) == 3
    assert ids[0] == row.message_id
    assert set(ids[1:]) == set(Delivery.objects.values_list("message_id", flat=True))
