"""What connected peers say is taken in turns, whatever one of them does."""

import asyncio

import pytest

from control.peers import BEAT, Peer, Peers
from protocol.lines import WireError, encode
from protocol.server_messages import Progress


class Transport:
    """As much of a connection as a peer uses."""

    def __init__(self):
        self.sent, self.ended = b"", False

    def is_closing(self) -> bool:
        return self.ended

    def write(self, data: bytes) -> None:
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.ended = True


def peer_of(peers: Peers, name: str) -> Peer:
    peer = Peer(peers, name, rate=1000, burst=1000, silence_s=5, beat_s=1)
    peer._transport = Transport()
    return peer


PROGRESS = Progress(last_seq=7)
LINES = b"".join(b'{"type":"unknown%d"}\n' % number for number in range(5))


async def test_one_that_is_cut_in_its_turn_takes_nobody_elses():
    peers = Peers()
    bad, good = peer_of(peers, "bad"), peer_of(peers, "good")
    taken = []
    runs = [asyncio.create_task(bad.run(taken.append)), asyncio.create_task(good.run(taken.append))]
    await asyncio.sleep(0)
    bad.data_received(LINES)
    good.data_received(encode(PROGRESS))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert taken == [PROGRESS]
    with pytest.raises(WireError):
        await runs[0]
    runs[1].cancel()


async def test_an_error_in_one_turn_takes_nobody_elses(monkeypatch):
    peers = Peers()
    bad, good = peer_of(peers, "bad"), peer_of(peers, "good")
    loop, taken = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: taken.append(type(context["exception"])))
    run = asyncio.create_task(good.run(taken.append))
    await asyncio.sleep(0)
    monkeypatch.setattr(bad, "work", lambda: 1 / 0)
    peers.turns.add(bad)
    good.data_received(encode(PROGRESS))
    for _ in range(3):
        await asyncio.sleep(0)
    assert taken == [ZeroDivisionError, PROGRESS]
    run.cancel()


async def test_signs_of_life_wait_for_no_turn():
    peer = peer_of(Peers(), "quiet")
    heard = peer.heard_at
    peer.data_received(BEAT)
    assert peer.heard_at > heard
    assert not peer.work()
