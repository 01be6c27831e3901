"""Signs of life: what a watched process sends, and who has been silent for how long."""

import asyncio
import os
import select
import socket
import subprocess
import sys

import pytest

from hostagent.signs import Signs, Silence
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
