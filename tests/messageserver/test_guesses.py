"""Wrong passcodes cost time; right ones never do."""

from messageserver.guesses import A_SECOND, ADDRESSES_MAX, BURST, Guesses


def test_after_many_wrong_ones_none_of_that_address_is_looked_at_for_a_moment():
    guesses = Guesses()
    for _ in range(BURST):
        assert guesses.allows("a", 100.0)
        guesses.wrong("a", 100.0)
    assert not guesses.allows("a", 100.0)
    assert guesses.allows("b", 100.0)
    assert guesses.allows("a", 100.0 + 1.01 / A_SECOND)
    assert guesses.allows("a", 1000.0)


def test_some_clients_of_a_machine_with_a_wrong_passcode_keep_nobody_out():
    guesses = Guesses()
    for second in range(600):
        for _ in range(5):
            assert guesses.allows("a", float(second))
            guesses.wrong("a", float(second))


def test_it_remembers_no_more_addresses_than_it_has_room_for():
    guesses = Guesses()
    for number in range(ADDRESSES_MAX + 5):
        guesses.wrong(str(number), 0.0)
    assert len(guesses._left) == ADDRESSES_MAX


def test_the_addresses_of_one_network_guess_as_one():
    guesses = Guesses()
    for number in range(BURST):
        guesses.wrong(f"2001:db8::{number}", 100.0)
    assert not guesses.allows("2001:db8::ffff", 100.0)
    assert guesses.allows("2001:db8:0:1::1", 100.0)
