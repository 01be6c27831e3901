"""Through failovers of a real pair: nothing that was answered is lost or doubled, and readers go on by themselves."""

import asyncio
import threading
from contextlib import contextmanager

import pytest

from pairwise_client import NotConnected, Outgoing
from protocol.messages import StepDown
from tests.messageserver.pair_of_servers import bodies

from .conftest import connected, connected_aio, fail_over

pytestmark = pytest.mark.scenario
WAIT_S, THREADS, EACH = 20, 4, 500


def switch_over(pair, epoch: int) -> None:
    """The active server hands over to its standby, and stands by itself."""
    active, standby = (pair.a, pair.b) if pair.a.report.role == "primary" else (pair.b, pair.a)
    active.control.send(StepDown(epoch=epoch - 1, reason="The test says so."))
    active.control.wait_report(role="", state="ready")
    standby.granted("primary", epoch)
    active.granted("backup", epoch)
    pair.synced(standby, active)


@contextmanager
def threads(work, count: int = THREADS):
    """``work(number)`` in so many threads; what one of them raises fails the test."""
    wrong = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            wrong.append(error)

    running = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for each in running:
        each.start()
    yield
    for each in running:
        each.join(60)
    assert not wrong, wrong


@pytest.mark.parametrize("change", [fail_over, switch_over])
def test_of_many_publishers_nothing_is_lost_doubled_or_out_of_order(pair, change):
    begun, seqs = threading.Event(), [[] for _ in range(THREADS)]
    with connected(pair.a, pair.b, timeout=40) as client:
        def publish(number: int) -> None:
            for at in range(EACH):
                seqs[number].append(client.publish("/topic/a", f"{number} {at}").seq)
                if at == 20:
                    begun.set()

        with threads(publish):
            for epoch in (2, 3):
                assert begun.wait(WAIT_S)
                begun.clear()
                change(pair, epoch)
                # The next one while they still publish.
                begun.set()
    active = pair.a if pair.a.report.role == "primary" else pair.b
    read = [body.decode() for body in bodies(active.port, THREADS * EACH)]
    assert len(set(read)) == THREADS * EACH
    for number in range(THREADS):
        assert [text for text in read if text.startswith(f"{number} ")] == [f"{number} {at}" for at in range(EACH)]
        assert [read[seq - 1] for seq in seqs[number]] == [f"{number} {at}" for at in range(EACH)]


def test_a_batch_on_its_way_is_sent_again_in_its_order(pair):
    with connected(pair.a, pair.b, timeout=40) as client:
        pair.b.freeze()
        receipts = []
        with threads(lambda _: receipts.extend(client.publish_many(
                [Outgoing("/topic/a", str(number)) for number in range(2000)])), count=1):
            pair.b.thaw()
            fail_over(pair, 2)
    assert [receipt.seq for receipt in receipts] == list(range(1, 2001))
    assert bodies(pair.b.port, 2000) == [b"%d" % number for number in range(2000)]


def test_a_subscription_goes_on_without_a_gap_or_a_duplicate(pair):
    with connected(pair.a, pair.b, timeout=40) as client:
        subscription = client.subscribe("/topic/a", prefetch=20)
        client.publish_many([Outgoing("/topic/a", str(number)) for number in range(100)])
        read = [subscription.get(WAIT_S).text for _ in range(50)]
        fail_over(pair, 2)
        client.publish_many([Outgoing("/topic/a", str(number)) for number in range(100, 200)])
        read += [subscription.get(WAIT_S).text for _ in range(150)]
    assert read == [str(number) for number in range(200)]


def test_a_subscription_that_has_seen_nothing_misses_nothing(pair):
    with connected(pair.a, pair.b, timeout=40) as client, connected(pair.a, pair.b, timeout=40) as other:
        other.publish("/topic/a", "before")
        subscription = client.subscribe("/topic/a")
        pair.a.kill()
        pair.b.granted("primary", 2)
        other.publish("/topic/a", "after")
        texts = {subscription.get(WAIT_S).text}
        if texts == {"before"}:
            texts.add(subscription.get(WAIT_S).text)
        assert "after" in texts


@pytest.mark.parametrize("destination", ["/topic/a", "/queue/a"])
def test_what_was_acknowledged_while_nobody_served_does_not_come_again(pair, destination):
    name = {"durable_name": "reader"} if destination.startswith("/topic/") else {}
    with connected(pair.a, pair.b, timeout=40) as client:
        subscription = client.subscribe(destination, **name)
        client.publish_many([Outgoing(destination, str(number)) for number in range(6)])
        taken = [subscription.get(WAIT_S) for _ in range(3)]
        taken[0].ack(wait=True)
        pair.a.kill()
        with pytest.raises(NotConnected, match="comes again unless"):
            # The connection breaks at once, or while the answer is waited for.
            taken[1].ack(wait=True)
        pair.b.granted("primary", 2)
        client.publish(destination, "6")
        read = [subscription.get(WAIT_S).text for _ in range(5)]
    assert read == ["2", "3", "4", "5", "6"]


def finish(client, message) -> None:
    with client.transaction() as transaction:
        transaction.ack(message)
        transaction.publish("/topic/a", "done", dedup_id=f"done {message.seq}")


def test_a_transaction_that_acknowledges_is_not_sent_again(pair):
    with connected(pair.a, pair.b, timeout=40) as client:
        client.publish("/queue/a", "job")
        subscription = client.subscribe("/queue/a")
        message = subscription.get(WAIT_S)
        fail_over(pair, 2)
        again = subscription.get(WAIT_S)
        with pytest.raises(NotConnected, match="come again"):
            finish(client, message)
        assert again.seq == message.seq
        finish(client, again)
    assert bodies(pair.b.port, 2) == [b"job", b"done"]


async def test_the_one_for_asyncio_goes_on_as_well(pair):
    async with connected_aio(pair.a, pair.b, timeout=40) as client:
        subscription = await client.subscribe("/topic/a", durable_name="reader")
        sending = asyncio.ensure_future(client.publish_many(
            [Outgoing("/topic/a", str(number)) for number in range(1000)], window=50))
        read = []
        async for message in subscription:
            read.append(message.text)
            await message.ack()
            if len(read) == 100:
                await asyncio.to_thread(fail_over, pair, 2)
            if len(read) == 1000:
                break
        assert read == [str(number) for number in range(1000)]
        assert len(await sending) == 1000
