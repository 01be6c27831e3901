"""The machine of the console as a host: other machines reach its servers by the address that its Host has."""

import pytest

from console.up.machine import address_for_others
from console.up.setup import make_local_host
from provisioning.core.permissions import command_line_actor
from provisioning.drafts import HostDraft
from provisioning.hosts.services.hosts import create_host, update_host
from provisioning.models import HistoryEntry

pytestmark = pytest.mark.django_db


def start(settings, host: str, port: int = 4999):
    settings.PAIRWISE_HOST, settings.PAIRWISE_LCA_PORT = host, port
    return make_local_host()


@pytest.mark.parametrize(("host", "address"), [
    ("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "127.0.0.1"),
    ("::1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"),
    ("", "127.0.0.1"), ("console.example.com", "127.0.0.1")])
def test_a_listener_tells_the_address_for_others_where_it_is_one(host, address):
    assert address_for_others(host) == address


def test_a_console_that_others_reach_is_a_host_by_that_address(settings):
    assert start(settings, "192.0.2.1").ip_address == "192.0.2.1"


def test_an_address_of_this_machine_alone_gives_way_when_others_are_let_in_and_history_says_so(settings):
    made = start(settings, "127.0.0.1")
    assert start(settings, "192.0.2.1").ip_address == "192.0.2.1"
    entry = HistoryEntry.objects.latest("number")
    assert (entry.object_name, entry.origin.startswith("manage.py up")) == (made.name, True)
    assert start(settings, "127.0.0.1", 4998).lca_port == 4998
    made.refresh_from_db()
    assert (made.ip_address, made.lca_port) == ("192.0.2.1", 4998)


def test_an_address_that_somebody_gave_stays(settings):
    made = start(settings, "127.0.0.1")
    update_host(actor=command_line_actor("test"), host_id=made.pk, revision=made.revision,
                draft=HostDraft(name=made.name, ip_address="198.51.100.7", lca_port=made.lca_port))
    assert start(settings, "192.0.2.1").ip_address == "198.51.100.7"


def test_an_address_that_another_host_has_is_left_to_it(settings):
    start(settings, "127.0.0.1")
    create_host(actor=command_line_actor("test"), draft=HostDraft(name="far", ip_address="192.0.2.1", lca_port=4999))
    assert start(settings, "192.0.2.1").ip_address == "127.0.0.1"
