"""What was acknowledged is on the disk, whether the process is killed or the disk is full."""

import contextlib
import resource
import threading

import pytest

from .command import connectable
from .control_double import WAIT_S

pytestmark = pytest.mark.scenario


def publish_until_cut(server, first: int, acknowledged: list[int]) -> None:
    """Send numbered messages in windows until the connection breaks; note what was acknowledged."""
    try:
        with server.client() as client:
            for number in range(first, first + 1_000_000, 50):
                for one in range(number, number + 50):
                    client.publish("/topic/load", b"%d" % one, receipt=str(one), dedup_id=str(one))
                for _ in range(50):
                    frame = client.next()
                    if frame is None or frame.command != "RECEIPT":
                        return
                    acknowledged.append(int(frame.headers["receipt-id"]))
    except OSError:
        return


def test_every_acknowledged_message_survives_kill_9_in_the_middle_of_load(server):
    acknowledged: list[int] = []
    for turn in range(3):
        target = len(acknowledged) + 2000
        loads = [threading.Thread(target=publish_until_cut, args=(server, turn * 10**8 + part * 10**7, acknowledged))
                 for part in range(3)]
        for load in loads:
            load.start()
        with server.client() as watcher:
            watcher.subscribe("/topic/load")
            while len(acknowledged) < target:
                watcher.expect("MESSAGE")
        server.kill()
        for load in loads:
            load.join(WAIT_S)
        server.restart()
        count = len(acknowledged)
        with server.client() as client:
            client.subscribe("/topic/load", from_seq="1")
            last = int(client.connected.headers["last-seq"])
            messages = client.messages(last)
            stored = [int(m.body) for m in messages]
            assert [int(m.headers["seq"]) for m in messages] == list(range(1, last + 1))
            assert set(acknowledged) <= set(stored)
            assert len(stored) == len(set(stored))
            again = client.acked("/topic/load", b"retried", dedup_id=str(acknowledged[0]))
            assert again == stored.index(acknowledged[0]) + 1
        assert count >= target


def test_a_full_disk_stops_acknowledging_and_recovers_by_itself(start_server):
    server = start_server()
    pid = server.process.pid
    with server.client() as client:
        for _ in range(5):
            client.acked("/topic/a", b"x" * 100_000)
    size = max(f.stat().st_size for f in (server.directory / "data").iterdir())
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 50_000, resource.RLIM_INFINITY))
    stored = 5
    with server.client() as client:
        while True:
            client.publish("/topic/a", b"x" * 100_000, receipt="r")
            frame = client.next()
            if frame.command == "ERROR":
                break
            stored += 1
            assert stored < 100, "the limit never bit"
        assert "not stored" in frame.headers["message"]
    report = server.control.wait_report(state="service_unavailable")
    assert "cannot be stored" in report.reason
    server.control.wait_event(5094)
    with server.client() as client:
        client.publish("/topic/a", b"x", receipt="r")
        assert "does not count" in client.expect("ERROR").headers["message"]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    server.control.wait_report(state="started", reason="")
    server.control.wait_event(5093)
    with server.client() as client:
        assert client.acked("/topic/a", b"y") >= stored + 1
        client.subscribe("/topic/a", from_seq="1")
        assert client.messages(stored)[-1].body == b"x" * 100_000


def publish_large(server, over: threading.Event) -> None:
    """A message that does not fit, again and again."""
    while not over.is_set():
        with contextlib.suppress(OSError, EOFError), server.client() as client:
            client.publish("/topic/a", b"x" * 900_000, receipt="r")
            assert client.next().command == "ERROR"


def test_a_disk_that_is_full_but_for_a_little_stays_in_trouble_for_the_detection_time(start_server):
    """What is tried to see whether there is room again fits, what clients send does not."""
    server, over = start_server(), threading.Event()
    pid = server.process.pid
    with server.client() as client:
        client.acked("/topic/a", b"first")
    size = max(f.stat().st_size for f in (server.directory / "data").iterdir())
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 600_000, resource.RLIM_INFINITY))
    load = threading.Thread(target=publish_large, args=(server, over))
    load.start()
    try:
        server.control.wait(lambda: server.control.reports[-1].trouble_s > 3)
    finally:
        over.set()
        load.join(WAIT_S)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    server.control.wait_report(state="started", reason="")
    with server.client() as client:
        assert client.acked("/topic/a", b"last") == 2


def test_what_a_client_sent_behind_a_message_that_was_not_stored_is_not_stored_either(start_server):
    server = start_server()
    pid = server.process.pid
    with server.client() as client:
        client.acked("/topic/a", b"first")
        size = max(f.stat().st_size for f in (server.directory / "data").iterdir())
        # The large one does not fit, the small ones behind it would.
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 200_000, resource.RLIM_INFINITY))
        client.publish("/topic/a", b"x" * 900_000)
        for _ in range(300):
            client.publish("/topic/a", b"overtaker", receipt="r")
        assert "not stored" in client.expect("ERROR").headers["message"]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    server.control.wait_event(5093)
    with server.client() as client:
        assert client.acked("/topic/a", b"last") == 2


def test_a_grant_that_cannot_be_stored_is_taken_when_there_is_room(start_server):
    server = start_server(serving=False, auto_grant="")
    server.control.wait_report(state="ready")
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    server.control.grant("primary")
    report = server.control.wait_report(state="service_unavailable")
    assert "granted epoch cannot be stored" in report.reason
    assert not connectable(server.port)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    server.serving()
    with server.client() as client:
        assert client.acked("/topic/a", b"x") == 1
