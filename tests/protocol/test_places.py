"""What counts by address counts a machine once, however many addresses it has."""

import pytest

from protocol.places import place_of


@pytest.mark.parametrize(("origin", "place"), [
    ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("::1", "::1"), ("", ""),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::", "2001:db8:1:2::/64"), ("x" * 70, "x" * 64),
    ("fe80::7%eth0", "fe80::/64"), ("[2001:db8::1]:443", "[2001:db8::1]:443"),
])
def test_a_place_is_an_address_or_a_network_that_one_machine_has_all_of(origin, place):
    assert place_of(origin) == place
