"""Messages that have expired are not delivered, neither as they come nor from the disk."""

import time

import pytest

from messageserver.expiry import is_expired


@pytest.mark.parametrize(("headers", "expired"), [
    (b"", False), (b"expires:999\n", True), (b"expires:1000\n", True), (b"expires:1001\n", False),
    (b"a:b\nexpires:999\nb:c\n", True), (b"expires:0\n", False), (b"expires:soon\n", False),
    (b"not-expires:999\n", False), (b"a:\\nexpires\\c999\n", False), (b"expires:2000\nexpires:999\n", False)])
def test_a_message_expires_at_the_moment_that_its_first_header_names(headers, expired):
    assert is_expired(headers, 1000) is expired


@pytest.mark.scenario
def test_an_expired_message_is_acknowledged_and_not_delivered(server):
    now = int(time.time() * 1000)
    with server.client() as client:
        client.subscribe("/topic/a", ack="client", max_unacknowledged="1")
        assert client.acked("/topic/a", b"late", expires=str(now - 1000)) == 1
        client.publish("/topic/a", b"in time", expires=str(now + 3_600_000))
        assert client.expect("MESSAGE").body == b"in time"
    with server.client() as client:
        client.subscribe("/topic/a", from_seq="1")
        assert client.expect("MESSAGE").body == b"in time"
