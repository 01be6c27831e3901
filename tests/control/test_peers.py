"""What connected peers say is taken in turns, whatever one of them does."""

import asyncio
import time

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


async def test_one_that_speaks_is_never_late_and_one_that_does_not_is_cut():
    peers = Peers()
    silent, busy = peer_of(peers, "silent"), peer_of(peers, "busy")
    for peer in (silent, busy):
        peer.silence_s, peer.beat_s = 0.3, 0.1
        peer.heard_at = time.monotonic()
        peers.add(peer)
    sweep, run = asyncio.create_task(peers.run()), asyncio.create_task(silent.run(lambda message: None))
    while not run.done():
        busy.data_received(BEAT)
        await asyncio.sleep(0.02)
    assert silent.cut_reason == "the peer was silent for 0.3 s"
    assert silent._transport.sent.count(BEAT) >= 2
    assert not busy.cut_reason
    assert len(peers) == 1
    sweep.cancel()


async def test_signs_of_life_are_shown_to_those_alone_to_whom_nothing_else_was_said():
    peers = Peers()
    told, untold = peer_of(peers, "told"), peer_of(peers, "untold")
    for peer in (told, untold):
        peer.beat_s = 0.3
        peers.add(peer)
    sweep = asyncio.create_task(peers.run())
    while untold._transport.sent.count(BEAT) < 2:
        told.post(PROGRESS)
        await asyncio.sleep(0.02)
    assert BEAT not in told._transport.sent
    sweep.cancel()
