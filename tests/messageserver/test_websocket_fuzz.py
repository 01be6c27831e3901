"""Whatever comes to a port for browsers, it is taken as frames, or ends the connection with a reason."""

import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messageserver.stomp import FRAME_END
from messageserver.websocket import MESSAGE_BYTES, pieces
from messageserver.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Decoder,
    closing,
    head,
    opcode_for,
    unmasked,
)
from messageserver.websocket_handshake import Refused, accepted
from tests.doubles.websocket import WebClient, frame, request
from tests.ports import free_port

from .control_double import WAIT_S

LIMIT = 70_000
CODES = {1002, 1007, 1009}
masks = st.binary(min_size=4, max_size=4)
controls = st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=125), mask=masks)
texts = st.one_of(st.text(max_size=200).map(str.encode), st.just("ü".encode() * 33_000))


def decoded(data: bytes, cuts=()) -> tuple[list, int | None]:
    """All frames, and the code of what ended them."""
    decoder, frames, start = Decoder(LIMIT), [], 0
    for end in (*sorted(cuts), len(data)):
        frames += decoder.feed(data[start:end])
        start = max(start, end)
    assert len(decoder._rest) <= LIMIT + 14
    return frames, decoder.error.code if decoder.error else None


@given(st.lists(st.one_of(st.binary(max_size=40), controls, st.builds(
    frame, st.integers(0, 15), st.binary(max_size=300), final=st.booleans(), mask=masks)), max_size=6), st.data())
def test_any_bytes_are_frames_or_an_error_and_the_same_however_they_are_cut(parts, data):
    sent = b"".join(parts)
    frames, code = decoded(sent)
    assert code is None or code in CODES
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=8))
    assert decoded(sent, cuts) == (frames, code)


@given(texts, st.data())
def test_a_message_in_parts_is_the_same_stream(payload, data):
    places = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    pieces = [payload[a:b] for a, b in zip((0, *places), (*places, len(payload)), strict=True)]
    sent = b""
    for number, piece in enumerate(pieces):
        sent += frame(CONTINUATION if number else TEXT, piece, final=number == len(pieces) - 1)
        sent += data.draw(controls)
    frames, code = decoded(sent)
    assert code is None
    assert b"".join(got.payload for got in frames if got.opcode == TEXT) == payload


@given(st.binary(max_size=300), masks)
def test_masking_twice_changes_nothing(payload, mask):
    assert unmasked(unmasked(payload, mask), mask) == payload
    assert unmasked(payload, mask) == bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_what_the_server_sends_has_the_shortest_length(size):
    assert len(head(TEXT, size)) == {0: 2, 125: 2, 126: 4, 65_535: 4, 65_536: 10}[size]
    sent = head(BINARY, size)
    masked = bytes((sent[0], sent[1] | 0x80)) + sent[2:] + bytes(4 + size)
    assert decoded(masked)[1] is None


@given(st.lists(st.one_of(st.binary(max_size=300), st.just(b"x" * 70_000), st.just(b"y" * 30_000)), max_size=8))
def test_large_output_is_cut_where_frames_end(bodies):
    data = b"".join(body + b"\0" for body in bodies)
    cut = list(pieces(data))
    assert b"".join(cut) == data
    assert all(piece.endswith((b"\0", FRAME_END)) for piece in cut)
    assert all(len(piece) <= MESSAGE_BYTES or piece.count(b"\0") == 1 for piece in cut)


@pytest.mark.parametrize("size", [30_000, MESSAGE_BYTES // 2 - 2, MESSAGE_BYTES // 2 - 1, MESSAGE_BYTES])
def test_no_message_begins_with_the_line_end_of_the_frame_before_it(size):
    frame = b"M" * size + FRAME_END
    assert all(piece.startswith(b"M") and piece.endswith(FRAME_END) for piece in pieces(frame * 5))


def test_what_is_no_text_travels_as_binary_and_a_reason_fits():
    assert [opcode_for(data) for data in (b"a", "ü".encode(), b"\xff")] == [TEXT, TEXT, BINARY]
    said = closing(1002, "ü" * 100)
    assert (said[:2], len(said)) == (b"\x88\x7c", 126)
    said[4:].decode()


@given(st.one_of(st.binary(max_size=200), st.builds(
    lambda lines: request(*lines)[:-4], st.lists(st.text(st.characters(codec="latin-1"), max_size=60), max_size=3)),
    st.builds(lambda origin: request(f"Origin: {origin}")[:-4], st.text(st.characters(codec="ascii"), max_size=40))))
def test_any_request_is_answered(data):
    try:
        answer, sentence = accepted(data, ("https://a.example",)), ""
    except Refused as refused:
        answer, sentence = refused.answer, f"{refused}\n"
    assert answer.endswith(sentence.encode())
    assert answer.startswith(b"HTTP/1.1 ")
    assert b"\r\n\r\n" in answer
    assert "\n" not in answer.partition(b"\r\n\r\n")[0].decode().replace("\r\n", "")


@pytest.mark.long
@pytest.mark.scenario
def test_a_live_server_survives_them(start_server):
    port = free_port()
    server = start_server(ports=[
        {"id": "default", "port": free_port(), "protocol": "stomp", "ha_sync": False},
        {"id": "web", "port": port, "protocol": "stomp-ws", "ha_sync": False}])
    rng = random.Random(20)
    for number in range(600):
        data = b"".join(frame(rng.choice((TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE, rng.randrange(16))),
                              rng.randbytes(rng.randrange(140)), final=rng.random() < 0.8)
                        for _ in range(rng.randrange(6)))
        with socket.create_connection(("127.0.0.1", port), WAIT_S) as stranger:
            start = request() if number % 4 else rng.randbytes(rng.randrange(60))
            stranger.sendall(start + data + rng.randbytes(rng.randrange(30)))
    assert "42-20099" not in server.output, "nothing led to an internal error"
    with WebClient(port) as browser:
        assert browser.acked("/topic/after", b"still here") == 1


@pytest.mark.parametrize("header", [
    "Origin: null", "Origin: ms.example", "Origin: ://ms.example", "Origin: chrome-extension://ms.example",
    "Origin: https://ms.example@elsewhere.example", "Origin: https://elsewhere.example/ms.example", "Origin:",
    "Origin: https://elsewhere.example\r\nOrigin: https://ms.example", "Host: elsewhere.example",
    "Content-Length: 5", "Transfer-Encoding: chunked"])
def test_a_page_of_another_place_and_a_request_that_can_be_read_in_two_ways_are_refused(header):
    with pytest.raises(Refused):
        accepted(request(header, host="ms.example")[:-4], ())


@pytest.mark.parametrize(("host", "header"), [
    ("ms.example", "Origin: HTTPS://MS.EXAMPLE:8443"), ("[::1]:80", "Origin: http://[::1]:8000"),
    ("ms.example", "Content-Length: 0")])
def test_a_page_of_the_same_host_is_taken_however_it_is_written(host, header):
    assert accepted(request(header, host=host)[:-4], ()).startswith(b"HTTP/1.1 101 ")
