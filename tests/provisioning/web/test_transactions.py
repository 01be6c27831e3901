"""Nothing that may take long happens while a request holds the database (tests/transactions.py)."""

import pytest

from tests.provisioning.addresses import ADDRESSES, MACHINE
from tests.provisioning.walk import PEOPLE, forgotten
from tests.transactions import watched

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", sorted(name for name, requests in ADDRESSES.items() if any(
    request.method == "POST" and request.need != MACHINE for request in requests)))
def test_a_transaction_of_a_request_touches_no_file_no_network_and_does_not_wait(world, name):
    for request in ADDRESSES[name]:
        if request.method == "POST":
            for address in world.addresses(name, request):
                with forgotten(), watched() as seen:
                    world.ask(PEOPLE[-1], "POST", address, world.sent(request))
                assert seen.elsewhere == [], (request, address)
