"""Control over TLS."""

import asyncio
import dataclasses

import pytest

from control.main import Control
from protocol.tls import Identity, client_context
from protocol.wire import RefusedError, dial
from provisioning.core import control_client
from provisioning.models import Event
from tests.certificates import Certificates

from .conftest import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def secured(objects, settings_of_control, settings, certificates):
    """A control that takes connections over TLS only."""
    identity = Identity(*certificates.issue("127.0.0.1"))
    async with Control(dataclasses.replace(settings_of_control, identity=identity)) as control:
        settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT = "127.0.0.1", control.port
        settings.PAIRWISE_CONTROL_TLS, settings.PAIRWISE_TLS_CA = True, str(certificates.authority)
        yield control


async def test_servers_and_agents_are_served_over_tls(secured, objects, certificates):
    context = client_context(certificates.authority)
    for kind, row in (("application", objects.server), ("host", objects.host)):
        channel = await dial("127.0.0.1", secured.port, kind=kind, name=row.name, secret=row.secret, pid=1, started=1,
                             context=context)
        await channel.close()


async def test_who_comes_without_tls_is_told_what_to_do(secured, objects):
    with pytest.raises(RefusedError, match=r"over TLS only.*make a new line on its page"):
        await dial("127.0.0.1", secured.port, kind="host", name="alpha", secret=objects.host.secret)


async def test_rubbish_instead_of_tls_ends_that_connection_only(secured, objects, certificates):
    reader, writer = await asyncio.open_connection("127.0.0.1", secured.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await reader.read()
    writer.close()
    assert len(secured._listener._strangers) == 0
    await test_servers_and_agents_are_served_over_tls(secured, objects, certificates)


async def test_the_console_verifies_control(secured, settings, tmp_path):
    assert (await asyncio.to_thread(control_client.ping))["pid"]
    settings.PAIRWISE_TLS_CA = str(Certificates(tmp_path / "other").authority)
    with pytest.raises(control_client.ControlUnavailable, match="not from the authority that is trusted here"):
        await asyncio.to_thread(control_client.ping)
    settings.PAIRWISE_CONTROL_TLS = False
    with pytest.raises(control_client.ControlUnavailable, match="over TLS only"):
        await asyncio.to_thread(control_client.ping, 4.0)


async def test_a_certificate_that_is_about_to_expire_is_an_event(objects, settings_of_control, settings, certificates):
    files = certificates.issue("127.0.0.1", days=6)
    settings.PAIRWISE_TLS_CERTIFICATE, settings.PAIRWISE_TLS_CA = str(files[0]), str(certificates.authority)
    async with Control(dataclasses.replace(settings_of_control, identity=Identity(*files))):
        async def told():
            return await Event.objects.filter(number=8100, text__contains="expires in 5 days").acount()

        assert await eventually(told, "no event") == 1
