"""Servers, agents and the console on real connections."""

from protocol.messages import Configuration

from .conftest import row_that, status_of


async def test_a_server_registers_gets_configuration_and_a_grant_and_is_started(control, peers, objects):
    server, grant = await peers.started(objects.server)
    configuration = (await server.hears(Configuration)).application
    assert configuration["ports"][0]["port"] == 7001
    assert (grant.role, grant.epoch, grant.record_version) == ("primary", 1, 1)
    row = await status_of(objects.server, "Started")
    assert (row.mode, row.epoch, row.pid, row.version) == ("Primary", 1, 4711, "8.5.100.01")
    assert (await row_that(objects.server, lambda row: row.heard_at is not None)).started_at is not None
