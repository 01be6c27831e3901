"""API tokens that are refused: what is counted, locked and told of them."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from console.tasks import keep_sign_ins
from protocol.events import Own
from provisioning.accounts.rules.tokens import NOT_KNOWN, TRIES, TRIES_WITHIN
from provisioning.accounts.selectors.sign_ins import lock_of, locked_places
from provisioning.accounts.services.sign_in_story import A_TOKEN, MOST, STRANGER
from provisioning.errors import NotSignedIn, TooMany
from provisioning.models import ApiToken, Event, SignInTry
from tests.provisioning.sign_ins import HOME, let_in, refused, told

from .test_tokens import WRONG, guesses, made, shown


def later(by):
    for row in SignInTry.objects.all():
        row.tried_at -= by
        row.told_at = row.told_at and row.told_at - by
        row.save()


def test_after_ten_wrong_ones_of_an_address_nothing_more_is_looked_at_for_a_minute(otto):
    _, text = made(otto)
    guesses(TRIES)
    for each in (WRONG, text):
        with pytest.raises(TooMany, match="Wait for") as caught:
            shown(each)
        assert 1 <= caught.value.retry_after_s <= TRIES_WITHIN.total_seconds()
    assert shown(text, "192.0.2.99").name == "otto"
    later(TRIES_WITHIN)
    assert shown(text).name == "otto"


def test_a_program_with_a_wrong_one_does_not_keep_out_those_beside_it(otto):
    _, text = made(otto)
    shown(text)
    guesses(TRIES)
    with pytest.raises(TooMany):
        shown(WRONG)
    assert shown(text).name == "otto"


def test_an_expired_one_counts_as_well_and_an_address_of_ipv6_is_a_network(otto):
    _, text = made(otto)
    ApiToken.objects.update(expires_at=timezone.now())
    guesses(TRIES, "2001:db8::1", text)
    with pytest.raises(TooMany):
        shown(text, "2001:db8::2")


def test_wrong_tokens_keep_nobody_from_signing_in_and_wrong_passwords_no_token_out(otto):
    for place in (HOME, "192.0.2.20", "192.0.2.30", "192.0.2.40"):
        guesses(TRIES, place)
    now = timezone.now()
    assert lock_of(name="otto", place=HOME, now=now) is None
    assert locked_places(now) == []
    SignInTry.objects.filter(place=HOME).update(failures=1000)
    assert let_in() == otto
    later(timedelta(hours=1))
    _, text = made(otto)
    for _ in range(5):
        refused()
    assert shown(text).name == "otto"


def test_history_tells_of_the_first_one_of_an_address_and_counts_the_others(otto):
    _, text = made(otto)
    ApiToken.objects.update(enabled=False)
    guesses(3, text=text)
    guesses(2, "192.0.2.50")
    assert told() == [(STRANGER, HOME, "otto", "A token was refused. The token nightly is disabled."),
                      (STRANGER, "192.0.2.50", A_TOKEN, f"A token was refused. {NOT_KNOWN}")]
    later(timedelta(minutes=1))
    keep_sign_ins()
    assert told()[2:] == [(STRANGER, HOME, A_TOKEN, "Was not let in, 2 times more."),
                          (STRANGER, "192.0.2.50", A_TOKEN, "Was not let in, 1 time more.")]


def test_the_timeline_tells_of_an_address_once_a_minute(otto):
    _, text = made(otto)
    ApiToken.objects.update(enabled=False)
    guesses(TRIES - 1, text=text)
    guesses(1, "192.0.2.50")
    assert list(Event.objects.filter(number=Own.TOKENS_REFUSED).order_by("id").values_list("text", flat=True)) == [
        f"An API token was refused from {HOME}. The token nightly is disabled.",
        f"An API token was refused from 192.0.2.50. {NOT_KNOWN}"]
    later(timedelta(minutes=1))
    keep_sign_ins()
    guesses(1, text=text)
    assert Event.objects.latest("id").text == f"API tokens were refused from {HOME}, {TRIES - 2} times more."


@pytest.mark.django_db
def test_a_lock_is_told_and_strangers_of_many_addresses_do_not_fill_history():
    guesses(TRIES)
    assert len(told()) == 2
    assert "10 were refused from there: locked until" in told()[-1][3]
    for number in range(MOST + 5):
        guesses(1, f"198.51.100.{number}")
    assert len(told()) == MOST


@pytest.mark.django_db(transaction=True)
def test_of_many_wrong_ones_at_once_no_more_than_ten_are_looked_at():
    found = []

    def one():
        try:
            shown(WRONG)
        except (NotSignedIn, TooMany) as error:
            found.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(TRIES + 6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (found.count(NotSignedIn), found.count(TooMany)) == (TRIES, 6)
