"""Who is taken for hanging, whatever others send to the address for signs of life."""

import os

from hostagent.heartbeats import Heartbeats
from protocol.watchdog import ALIVE, Watchdog


class Watched:
    """One server, whose sign of life is due every second."""

    def __init__(self):
        self.hung = []

    def watched(self):
        return {os.getpid(): ("MS", 1.0)}

    def shows_life(self, name):
        pass

    def hangs(self, name, silent_s):
        self.hung.append(name)


class Crowd:
    """The queue of a socket that strangers keep full."""

    def recvmsg(self, *_):
        return b"x", [], 0, None

    def close(self):
        pass


async def test_a_server_whose_signs_are_crowded_out_does_not_hang(tmp_path, monkeypatch, caplog):
    heartbeats, processes = Heartbeats(tmp_path), Watched()
    with Watchdog(heartbeats.environment) as dog:
        dog.tell(ALIVE)
    heartbeats._hear()
    heartbeats._look(processes, 0.5)
    own = heartbeats._signs._socket
    monkeypatch.setattr(heartbeats._signs, "_socket", Crowd())
    for now in range(1, 60):
        heartbeats._hear()
        heartbeats._look(processes, float(now))
    assert processes.hung == []
    assert caplog.text.count("some may be lost") == 1
    monkeypatch.setattr(heartbeats._signs, "_socket", own)
    for now in range(60, 64):
        heartbeats._hear()
        heartbeats._look(processes, float(now))
    assert set(processes.hung) == {"MS"}, "once nobody is in the way, silence counts again"
    own.close()
