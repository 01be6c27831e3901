"""Whatever is sent to whichever address, nobody gets an error of the console."""

import pytest
from django.test import Client

from tests.pages.addresses import ADDRESSES, MACHINE
from tests.pages.walk import World, forgotten
from tests.protocol.test_outside import ALL

pytestmark = pytest.mark.django_db
MACHINES = [(name, request) for name, requests in ADDRESSES.items() for request in requests
            if request.need == MACHINE and request.method == "POST"]


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """The world, made once: each request takes back what it did, and the end of the module all of it."""
    with django_db_blocker.unblock(), forgotten():
        yield World()


@pytest.fixture
def world(made, db, broker, no_control):
    return made


@pytest.mark.parametrize("body", ALL)
def test_a_machine_that_sends_no_json_is_told_so(world, body):
    for name, request in MACHINES:
        for address in world.addresses(name, request):
            with forgotten():
                answer = Client().post(address, ALL[body], content_type="application/json")
            assert (answer.status_code, answer["Content-Type"][:10]) == (403, "text/plain"), address
