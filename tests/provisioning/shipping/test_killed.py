"""The process that sends is killed, and the next one goes on where it was."""


import pytest

from provisioning.history import history
from provisioning.models import Shipment
from tests import factories
from tests.provisioning.log_reader import process
from tests.waiting import wait_for

from .collectors import Collector, one_then_close, read_all
from .test_watch import is_complete

__all__ = ["process"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_control", "no_broker"),
              pytest.mark.long]
MANY = 60


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
