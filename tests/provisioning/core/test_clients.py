"""The port at which the console is a client of a Message Server."""

from provisioning.core.clients import client_port
from provisioning.drafts import PortDraft


def test_the_console_dials_neither_a_port_for_browsers_nor_one_for_ha_sync():
    browsers = PortDraft(port_id="default", port=7003, protocol="stomp-ws")
    sync = PortDraft(port_id="sync", port=7002, protocol="", ha_sync=True)
    clients = PortDraft(port_id="more", port=7001, protocol="stomp")
    assert client_port([browsers, sync, clients]) is clients
    assert client_port([browsers, sync]) is None
