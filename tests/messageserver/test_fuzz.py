"""100,000 random and mutated frames: neither the parser nor a live server minds.

Hypothesis picks the seeds, each seed makes a burst of frames out of the corpus; a failing seed is printed and can be
run again.
"""

import random
import socket
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messageserver.stomp import Limits, Parser

from .control_double import WAIT_S

CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").glob("*.frame"))]
CONNECT = (Path(__file__).parent / "corpus" / "connect.frame").read_bytes()
BURST = 500
BURSTS = 200
FRAMES_PER_CONNECTION = 10
seeds = st.integers(0, 2**63)
run_all = settings(max_examples=BURSTS, deadline=None, database=None,
                   suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def mutate(frame: bytes, rng: random.Random) -> bytes:
    """``frame`` with one to four small accidents."""
    data = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randint(1, 12))
        match rng.randrange(7):
            case 0:
                data[at:end] = rng.randbytes(rng.randint(0, 8))
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end] * rng.randint(1, 5)
            case 3:
                data[at:at] = rng.choice((b"\0", b"\n", b"\r\n", b":", b"\\", b"\n\n", b"content-length:3\n"))
            case 4:
                other = rng.choice(CORPUS)
                data[at:] = other[rng.randrange(len(other)) :]
            case 5:
                data[at:end] = "".join(rng.choices(string.digits, k=rng.randint(1, 20))).encode()
            case _:
                data[at:end] = data[at:end][::-1]
    return bytes(data)


def burst(seed: int) -> list[bytes]:
    """BURST frames: mutated, untouched and purely random ones."""
    rng = random.Random(seed)
    frames = []
    for _ in range(BURST):
        kind = rng.random()
        if kind < 0.75:
            frames.append(mutate(rng.choice(CORPUS), rng))
        elif kind < 0.9:
            frames.append(rng.choice(CORPUS))
        else:
            frames.append(rng.randbytes(rng.randint(0, 200)))
    return frames


@run_all
@given(seeds)
def test_the_parser_gives_frames_or_one_error_and_keeps_its_limits(seed):
    limits = Limits(max_frame_bytes=2000, max_header_bytes=1000, max_headers=20)
    rng = random.Random(seed)
    for frame in burst(seed):
        parser = Parser(limits)
        data = frame + frame
        cut = rng.randrange(len(data) + 1)
        got = parser.feed(data[:cut]) + parser.feed(data[cut:])
        whole = Parser(limits)
        assert got == whole.feed(data), "however it is cut, the same frames"
        assert (parser.error is None) == (whole.error is None)
        assert all(len(f.body) <= 2000 and len(f.headers) <= 20 for f in got)
        assert parser._size == sum(map(len, parser._pieces)) <= 3100


def throw(port: int, data: bytes) -> None:
    """One connection that sends ``data``, reads what comes and goes away."""
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 16):
                pass
        except ConnectionError:
            pass  # cut while we were still sending: its good right


@pytest.mark.long
@pytest.mark.scenario
def test_a_live_server_survives_them(start_server):
    server = start_server(options={"log": {"verbose": "standard", "all": "stdout"}})

    @run_all
    @given(seeds)
    def attack(seed):
        frames = burst(seed)
        for number, at in enumerate(range(0, BURST, FRAMES_PER_CONNECTION)):
            opening = CONNECT if number % 10 else b""
            throw(server.port, opening + b"".join(frames[at : at + FRAMES_PER_CONNECTION]))

    attack()
    assert server.process.poll() is None
    assert "42-20099" not in server.output, "no frame led to an internal error"
    with server.client() as client:
        seq = client.acked("/topic/after", b"still here")
        client.subscribe("/topic/after", from_seq="1")
        assert client.expect("MESSAGE").headers["seq"] == str(seq)
    server.control.wait_report(state="started", last_seq=seq, clients=0)
