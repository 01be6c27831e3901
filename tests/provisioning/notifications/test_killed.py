"""The process that tells is killed, and the next one goes on where it was."""


import pytest
from django.utils import timezone

from provisioning.alarms.worker.judging import look
from provisioning.models import Delivery, DeliveryAttempt, Event
from provisioning.notifications.worker.planner import plan
from provisioning.states import DeliveryState
from tests import factories
from tests.provisioning.log_reader import process
from tests.waiting import wait_for

from .receivers import WebReceiver, answering, hanging

__all__ = ["process"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_control", "no_broker"),
              pytest.mark.long]


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
