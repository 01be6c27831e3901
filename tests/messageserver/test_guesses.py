"""Wrong passcodes cost time; the right ones of other logins never do."""

from messageserver.guesses import A_SECOND, BURST, KEPT_MAX, SHARES, Guesses

OTHER = next(name for name in map(str, range(1000)) if hash(name) % SHARES != hash("orders") % SHARES)


def exhausted() -> Guesses:
    """Somebody at "a" has guessed at "orders" for as long as he may at 100.0."""
    guesses = Guesses()
    for _ in range(BURST):
        assert guesses.allows("a", "orders", 100.0)
        guesses.wrong("a", "orders", 100.0)
    return guesses


def test_after_many_wrong_ones_none_for_that_login_at_that_address_is_looked_at_for_a_moment():
    guesses = exhausted()
    assert not guesses.allows("a", "orders", 100.0)
    assert guesses.allows("b", "orders", 100.0)
    assert guesses.allows("a", "orders", 100.0 + 1.01 / A_SECOND)
    assert guesses.allows("a", "orders", 1000.0)


def test_who_guesses_at_one_login_keeps_no_other_one_of_that_address_out():
    assert exhausted().allows("a", OTHER, 100.0)


def test_some_clients_of_a_machine_with_a_wrong_passcode_keep_nobody_out():
    guesses = Guesses()
    for second in range(600):
        for _ in range(5):
            assert guesses.allows("a", "orders", float(second))
            guesses.wrong("a", "orders", float(second))


def test_made_up_logins_of_one_address_forget_no_guess_and_take_no_more_room():
    guesses = exhausted()
    for number in range(KEPT_MAX + 5):
        guesses.wrong("a", str(number), 100.0)
    assert len(guesses._left) == SHARES
    assert not guesses.allows("a", "orders", 100.0)


def test_it_remembers_no_more_than_it_has_room_for():
    guesses = Guesses()
    for number in range(KEPT_MAX + 5):
        guesses.wrong(str(number), "orders", 0.0)
    assert len(guesses._left) == KEPT_MAX


def test_the_addresses_of_one_network_guess_as_one():
    guesses = Guesses()
    for number in range(BURST):
        guesses.wrong(f"2001:db8::{number}", "orders", 100.0)
    assert not guesses.allows("2001:db8::ffff", "orders", 100.0)
    assert guesses.allows("2001:db8:0:1::1", "orders", 100.0)
