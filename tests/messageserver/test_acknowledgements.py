"""Which message an ACK means, whatever the epoch is, and how much open transactions may hold."""

from types import SimpleNamespace

import pytest

from messageserver.acknowledgements import acknowledgement
from messageserver.dialects import V12
from messageserver.frames import Refusal
from messageserver.interest import interest
from messageserver.subscription import Subscription
from messageserver.tails import message_tail
from messageserver.transactions import STEP_OVERHEAD, Transactions


def subscription(number: int, *seqs: int, ack: str = "client-individual", epoch: int = 1) -> Subscription:
    """One that waits for ``seqs``; ``written`` are the bytes of its messages."""
    written: list[bytes] = []
    session = SimpleNamespace(dialect=V12, queue=lambda *parts: written.append(b"".join(parts)))
    made = Subscription(session, f"n{number}", number, "/topic/a", ack, 1, 100)
    for seq in seqs:
        made.deliver(seq, message_tail(seq, epoch, 0, "/topic/a", b"", b""))
    made.written = written
    return made


def meant(headers: dict[str, str], *subscriptions: Subscription, gone=()):
    return acknowledgement("ACK", headers, {each.id: each for each in subscriptions}, 5, gone)


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_the_message_id_of_any_epoch_is_never_taken_for_the_place_of_another_subscription(epoch):
    one, two = subscription(1, 5, epoch=epoch), subscription(2, 7, epoch=epoch)
    assert meant({"id": f"{epoch}-7"}, one, two) == (two, 7, False)
    assert meant({"id": "s1-5"}, one, two) == (one, 5, False)
    for header in ("ack:s2-7", f"message-id:{epoch}-7"):
        assert header.encode() in two.written[0]


def test_an_id_that_two_subscriptions_wait_for_or_none_is_refused():
    for others in ([subscription(1, 5), subscription(2, 5)], [subscription(1, 6)], []):
        with pytest.raises(Refusal, match="message 5"):
            meant({"id": "1-5"}, *others)


@pytest.mark.parametrize("text", [
    "s1", "s-5", "s1-5x", "s01-5", "s1-0", "S1-5", "1-", "-5", "1-5-6", "s1-²", "²-5", "5", "s1-" + "9" * 19])
def test_what_looks_like_no_id_is_refused(text):
    with pytest.raises(Refusal, match="none that a MESSAGE of this connection had"):
        meant({"id": text}, subscription(1, 5))


def test_a_subscription_that_was_never_opened_is_refused_and_one_that_has_ended_is_not():
    assert meant({"id": "s5-1"}, subscription(1, 5)) is None
    with pytest.raises(Refusal):
        meant({"id": "s6-1"}, subscription(1, 5))
    assert meant({"message-id": "1-5", "subscription": "old"}, subscription(1, 5), gone=("old",)) is None
    with pytest.raises(Refusal, match="'never'"):
        meant({"message-id": "1-5", "subscription": "never"}, subscription(1, 5), gone=("old",))


def test_the_size_of_an_ended_transaction_is_free_again_while_others_are_open():
    transactions, most = Transactions(), 3 * (1000 + STEP_OVERHEAD)
    transactions.begin("stays open")
    for number in range(100):
        transactions.begin("t")
        transactions.with_room("t", 2000, most)
        assert transactions.end("t").size == 2000 + STEP_OVERHEAD, number
    transactions.with_room("stays open", 2000, most)
    transactions.begin("t")
    with pytest.raises(Refusal, match="too large"):
        transactions.with_room("t", 2000, most)
    transactions.with_room("t", 1000, most)


@pytest.mark.parametrize(("headers", "window"), [
    ({}, 1000), ({"max-unacknowledged": "1"}, 1), ({"prefetch-count": "10"}, 10), ({"activemq.prefetchSize": "7"}, 7),
    ({"consumer-window-size": "-1"}, 1000), ({"prefetch-count": "0"}, 1000), ({"prefetch-count": "5000"}, 1000)])
def test_a_subscriber_bounds_what_is_under_way_below_the_limit_of_the_server(headers, window):
    assert interest({"id": "1", "destination": "/topic/a", **headers}, 1000, needs_id=True).window == window


@pytest.mark.parametrize("pattern", [
    "/topic/a", "/topic/a.*", "/topic/*", "/log/*", "/*", "/to*", "/queue/a#b", "/topic/a>b"])
def test_what_can_be_sent_to_can_be_subscribed_to(pattern):
    assert interest({"destination": pattern}, 1, needs_id=False)[:2] == (pattern, pattern)
