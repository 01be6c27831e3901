"""The ledger that all pair scenarios trust: it must find every kind of broken promise, and no other."""

import signal
import threading

import pytest

from tests.messageserver.conftest import ServerProcess, application
from tests.messageserver.control_double import ControlDouble
from tests.ports import free_port

from .books import Acknowledgements, Book, Read, complaints
from .ledger import Ledger
from .readback import read_back
from .stomp_client import UserOfBoth


def book(acknowledged: dict[int, int], sent: int = 5) -> Book:
    kept = Book("L", 1)
    for _ in range(sent):
        kept.next()
    for number, seq in acknowledged.items():
        kept.acknowledged(number, seq)
    return kept


def read(*numbers: int) -> list[Read]:
    return [Read(seq, "/topic/L.1", number) for seq, number in enumerate(numbers, 1)]


def test_what_was_kept_gives_no_complaint():
    assert complaints([book({1: 1, 2: 2, 3: 3})], read(1, 2, 3)) == []


def test_what_was_not_acknowledged_may_be_there_or_not():
    assert complaints([book({1: 1})], read(1, 2)) == []
    assert complaints([book({1: 1})], read(1)) == []


@pytest.mark.parametrize(("messages", "words"), [
    (read(1, 3), "missing, from 2"), (read(1, 2, 2, 3), "there twice"), (read(2, 1, 3), "came after 2"),
    (read(1, 2, 2, 3)[:2] + read(1, 2, 2, 3)[3:], "acknowledged at seq 3 and is at 4"),
    ([*read(1, 2), Read(1, "/topic/L.1", 3)], "seq 1 came after seq 2"),
])
def test_a_lost_doubled_moved_or_reordered_message_is_found(messages, words):
    assert words in "\n".join(complaints([book({1: 1, 2: 2, 3: 3})], messages))


def test_a_second_receipt_that_names_another_place_is_found():
    kept = book({1: 1})
    with pytest.raises(AssertionError, match="at 1 and at 7"):
        kept.acknowledged(1, 7)


def test_an_outage_is_the_longest_gap_that_ended_after_the_fault():
    acks = Acknowledgements()
    for at in (1.0, 4.0, 4.1, 4.2, 4.9, 5.0):
        acks.add(at)
    assert acks.outage(4.15) == pytest.approx(0.7)
    assert acks.outage(3.0) == pytest.approx(3.0)
    acks.forget(4.15)
    assert acks.outage(4.15) == pytest.approx(0.7)


@pytest.fixture
def server(tmp_path):
    port = free_port()
    configuration = application(port, options={"log": {"verbose": "standard", "all": "stdout"}})
    with ControlDouble(configuration) as control, ServerProcess(tmp_path / "server", control, port=port) as process:
        yield process.serving()


def both(server, closed_port) -> list[tuple[str, int]]:
    return [("127.0.0.1", closed_port), ("127.0.0.1", server.port)]


@pytest.mark.parametrize("batch", [1, 4])
def test_publishers_go_on_after_a_kill_and_everything_is_read_back_once(server, closed_port, batch):
    with Ledger(both(server, closed_port), rate=2000, batch=batch) as ledger:
        ledger.wait_acknowledged(200)
        fault = ledger.fault(server.kill, server.restart)
        assert 0.05 < fault.outage() < 5
        ledger.wait_acknowledged(200)
        assert ledger.check() >= 400


def test_publishers_leave_a_member_that_is_silent(server, closed_port):
    with Ledger(both(server, closed_port), silence_s=0.2) as ledger:
        fault = ledger.fault(lambda: server.signal(signal.SIGSTOP))
        threading.Timer(0.8, lambda: server.signal(signal.SIGCONT)).start()
        assert 0.6 < fault.outage() < 5
        assert "silent" in " ".join(ledger.errors)
        ledger.check()


def test_a_ledger_is_audited_piece_by_piece_while_it_goes_on(server, closed_port):
    with Ledger(both(server, closed_port)) as ledger:
        ledger.wait_acknowledged(50)
        first = ledger.audit()
        assert first >= 50
        ledger.wait_acknowledged(50)
        assert ledger.audit() >= 100
        ledger.books[0].acknowledged(ledger.books[0].sent + 1000, 7)
        with pytest.raises(AssertionError, match="1 acknowledged messages are missing"):
            ledger.audit()


def test_a_users_client_with_both_addresses_sends_again_what_was_not_acknowledged(server, closed_port):
    with UserOfBoth(both(server, closed_port), "bench", "benchpass", name="user") as user:
        for _ in range(5):
            user.publish()
        server.kill()
        server.restart()
        user.publish()
        messages = read_back(both(server, closed_port), "bench", "benchpass", "user")
    assert complaints([user.book], messages) == []
    assert len(messages) == 6
    assert user.reconnects == 1
