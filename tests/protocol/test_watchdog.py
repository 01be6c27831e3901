"""Signs of life: what a watched process sends, and who has been silent for how long."""

import asyncio
import os
import select
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest

from hostagent.signs import MESSAGES_A_TURN, Signs, Silence
from protocol.watchdog import ALIVE, READY, Watchdog


@pytest.fixture
def signs():
    made = Signs()
    yield made
    made.close()


def test_nobody_asks_and_nothing_is_sent():
    with Watchdog({}) as dog:
        dog.tell(READY)
        assert dog.every_s == 0
        asyncio.run(dog.show_life())


def test_a_watched_process_is_known_by_its_pid_and_its_children_are_not_watched(signs):
    environ = {**signs.environment(6), "OTHER": "1"}
    with Watchdog(environ) as dog:
        assert (environ, dog.every_s) == ({"OTHER": "1"}, 2.0)
        dog.tell(READY)
        assert signs.read() == set()
        dog.tell(ALIVE)
        dog.tell(ALIVE)
    assert signs.read() == {os.getpid()}
    assert signs.read() == set()


def test_signs_of_another_process_are_its_own(signs):
    code = "from protocol.watchdog import ALIVE, Watchdog; Watchdog().tell(ALIVE)"
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **signs.environment(1)})
    assert child.wait(20) == 0
    assert signs.read() == {child.pid}


def test_life_is_shown_as_long_as_the_loop_turns(signs):
    async def twice():
        with Watchdog(signs.environment(0.03)) as dog:
            showing = asyncio.create_task(dog.show_life())
            for _ in range(2):
                await asyncio.to_thread(select.select, [signs], [], [], 10)
                assert signs.read() == {os.getpid()}
            showing.cancel()

    asyncio.run(twice())


def test_what_systemd_asks_of_another_process_is_not_answered(signs):
    for owner, every_s in (("1", 0.0), (str(os.getpid()), 2.0)):
        with Watchdog({**signs.environment(6), "WATCHDOG_PID": owner}) as dog:
            assert dog.every_s == every_s


def test_it_is_what_systemd_listens_for(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        with Watchdog({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000"}) as dog:
            dog.tell(ALIVE)
        assert systemd.recv(100) == b"WATCHDOG=1"


def test_a_watcher_that_is_away_or_does_not_listen_keeps_nobody_waiting(signs):
    with Watchdog(signs.environment(1)) as dog:
        for _ in range(2000):
            dog.tell(ALIVE)
        signs.close()
        dog.tell(ALIVE)


def test_an_address_with_a_name_is_taken_over_by_a_successor():
    name = f"test-{os.getpid()}"
    first = Signs(name)
    with pytest.raises(OSError, match="in use"):
        Signs(name)
    environment = first.environment(1)
    first.close()
    second = Signs(name)
    with Watchdog(environment) as dog:
        dog.tell(ALIVE)
    assert second.read() == {os.getpid()}
    second.close()


def flood(signs, count):
    """``count`` messages of this process, in a thread of its own; each waits until there is room."""
    address = f"\0{signs.environment(1)['NOTIFY_SOCKET'][1:]}"

    def send():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            for _ in range(count):
                stranger.sendto(b"x", address)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


def test_who_sends_without_end_keeps_the_watcher_no_longer_than_a_turn(signs, monkeypatch):
    """The queue is never empty, as while a stranger fills it faster than it is read."""
    read = []

    class Endless:
        def recvmsg(self, *_):
            read.append(1)
            return b"x", [], 0, None

        def close(self):
            pass

    signs.close()
    monkeypatch.setattr(signs, "_socket", Endless())
    assert signs.read() == set()
    assert len(read) == MESSAGES_A_TURN
    assert signs.were_crowded()


def test_that_signs_may_have_been_crowded_out_is_known_and_single_ones_are_no_crowd(signs):
    with Watchdog(signs.environment(1)) as dog:
        for _ in range(100):
            dog.tell(ALIVE)
            assert signs.read() == {os.getpid()}
    assert not signs.were_crowded()
    thread = flood(signs, 200)
    while thread.is_alive():
        signs.read()
        time.sleep(0.001)
    thread.join()
    assert signs.were_crowded()
    assert not signs.were_crowded()


def test_no_stranger_sends_to_a_file_and_where_there_can_be_none_it_is_no_file(tmp_path):
    file = tmp_path / "signs.sock"
    file.write_text("left behind")
    for path in (file, tmp_path / ("x" * 150)):
        signs = Signs(file=path)
        with Watchdog(signs.environment(1)) as dog:
            dog.tell(ALIVE)
        assert signs.read() == {os.getpid()}
        if path == file:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        signs.close()
        assert not path.exists()


def test_a_time_in_which_signs_were_crowded_out_is_no_silence():
    silence = Silence(1.0, 100.0)
    silence.expect(1, 100.0)
    silence.look(101.0)
    for now in range(102, 200):
        silence.look(float(now), crowded=True)
    assert silence.silent_s(1, 199.0) == 1.0
    silence.look(200.0)
    assert silence.silent_s(1, 200.0) == 2.0


def test_silence_is_counted_from_the_last_sign():
    silence = Silence(1.0, 100.0)
    assert silence.silent_s(1, 105.0) == 0
    silence.expect(1, 100.0)
    for now in (101.0, 102.0, 103.0):
        silence.look(now)
    assert silence.silent_s(1, 103.0) == 3.0
    silence.expect(1, 103.0)
    assert silence.silent_s(1, 103.0) == 0
    silence.forget(1)
    assert silence.silent_s(1, 200.0) == 0


def test_the_first_sign_may_take_longer():
    silence = Silence(1.0, 100.0)
    silence.expect(1, 100.0, within_s=60.0)
    for now in range(101, 166):
        silence.look(float(now))
    assert silence.silent_s(1, 165.0) == 5.0


def test_a_watcher_that_was_frozen_itself_blames_nobody():
    silence = Silence(1.0, 100.0)
    silence.expect(1, 100.0)
    silence.look(160.0)
    assert silence.silent_s(1, 160.0) == 2.0
