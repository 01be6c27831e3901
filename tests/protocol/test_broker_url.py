"""The broker's URL says how it is verified."""

import pytest

from protocol.broker_url import unverified, verified


@pytest.mark.parametrize(("url", "authority", "expected"), [
    ("redis://:p@b:6379/0", "/ca.pem", "redis://:p@b:6379/0"),
    ("unix:///var/redis.sock", "/ca.pem", "unix:///var/redis.sock"),
    ("amqps://b//", "/ca.pem", "amqps://b//"),
    ("rediss://:p@b:6380/0", "", "rediss://:p@b:6380/0?ssl_cert_reqs=required"),
    ("rediss://:p@b:6380/0", "/a b/ca.pem", "rediss://:p@b:6380/0?ssl_cert_reqs=required&ssl_ca_certs=%2Fa+b%2Fca.pem"),
    ("rediss://b/0?ssl_cert_reqs=none", "", "rediss://b/0?ssl_cert_reqs=none"),
])
def test_a_broker_with_tls_is_always_verified(url, authority, expected):
    assert verified(url, authority) == expected
    assert verified(expected, authority) == expected


@pytest.mark.parametrize("url", ["rediss://:p@b:6380/0", "redis+socket:///var/redis.sock", "redis://:p@b:6379/0"])
def test_files_of_the_console_do_not_travel_to_hosts(url):
    assert unverified(verified(url, "/console/ca.pem")) == url
