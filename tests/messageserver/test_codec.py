"""The STOMP codec: bytes in, frames or one error out."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messageserver.dialects import DIALECTS, V10, V11, V12, ProtocolError, leniently_decoded
from messageserver.stomp import PIECE_BYTES, Frame, Limits, Parser, encode, escape, parse_head

SMALL = Limits(max_frame_bytes=100, max_header_bytes=200, max_headers=4)


def parse(data: bytes, limits: Limits | None = None) -> list[Frame]:
    parser = Parser(limits)
    frames = parser.feed(data)
    assert parser.error is None
    return frames


def error_of(data: bytes, limits: Limits | None = None) -> str:
    parser = Parser(limits)
    parser.feed(data)
    assert parser.error is not None
    return str(parser.error)


def test_a_frame_with_body_and_nul():
    assert parse(b"SEND\ndestination:/topic/a\n\nhello\0") == [Frame("SEND", {"destination": "/topic/a"}, b"hello")]


def test_content_length_allows_nul_in_the_body():
    assert parse(b"SEND\ncontent-length:3\n\na\0b\0")[0].body == b"a\0b"


def test_line_ends_may_be_crlf_and_heart_beats_are_skipped():
    data = b"\n\r\nSEND\r\ndestination:/topic/a\r\n\r\nx\0\n\n\r\nBEGIN\ntransaction:t\n\n\0\n"
    assert [f.command for f in parse(data)] == ["SEND", "BEGIN"]
    assert parse(data)[0].headers == {"destination": "/topic/a"}


def test_of_a_repeated_header_the_first_counts():
    assert parse(b"SEND\na:1\na:2\n\n\0")[0].headers == {"a": "1"}


def test_escapes_are_decoded_except_in_connect():
    assert parse(b"SEND\na\\cb:1\\n2\\r3\\\\4\n\n\0")[0].headers == {"a:b": "1\n2\r3\\4"}
    assert parse(b"CONNECT\npasscode:a\\b:c\n\n\0")[0].headers == {"passcode": "a\\b:c"}


@pytest.mark.parametrize(("data", "words"), [
    (b"SEND\na:\\t\n\n\0", "has no meaning"),
    (b"SEND\na:b\\\n\n\0", "has no meaning"),
    (b"SEND\nnocolon\n\n\0", "name:value"),
    (b"SEND\n:value\n\n\0", "name:value"),
    (b"SEND\na:\xff\n\n\0", "UTF-8"),
    (b"SEND\0\n\n\0", "middle of its headers"),
    (b"SEND\ncontent-length:-1\n\n\0", "content-length"),
    (b"SEND\ncontent-length:\xc2\xb2\n\n\0", "content-length"),
    (b"SEND\ncontent-length:9999999999999999999999\n\n\0", "content-length"),
    (b"SEND\ncontent-length:1\n\nab\0", "longer than its content-length"),
    (b"SEND\ncontent-length:101\n\n", "larger than 100 bytes"),
    (b"SEND\n\n" + b"x" * 101, "larger than 100 bytes"),
    (b"SEND\na:" + b"x" * 300, "larger than 200 bytes"),
    (b"SEND\na:1\nb:1\nc:1\nd:1\ne:1\n\n\0", "more than 4 headers"),
])
def test_a_bad_frame_is_one_sentence(data, words):
    assert words in error_of(data, SMALL)


def test_frames_before_a_bad_one_are_kept_and_nothing_after_it():
    parser = Parser()
    assert [f.command for f in parser.feed(b"BEGIN\n\n\0nocolon\nx\n\n\0ABORT\n\n\0")] == ["BEGIN"]
    assert parser.error is not None
    assert parser.feed(b"BEGIN\n\n\0") == []


def test_a_dribbled_large_frame_costs_no_more_than_its_size():
    parser, body = Parser(), b"x" * 200_000
    data = b"SEND\ndestination:/topic/a\n\n" + body + b"\0"
    frames = [frame for at in range(0, len(data), 64) for frame in parser.feed(data[at : at + 64])]
    assert [f.body for f in frames] == [body]


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=10)
values = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
frames = st.builds(Frame, st.sampled_from(["SEND", "MESSAGE", "ERROR"]),
                   st.dictionaries(names.filter(lambda n: n != "content-length"), values, max_size=5),
                   st.binary(max_size=300))


@given(st.lists(frames, max_size=5), st.lists(st.integers(1, 40), min_size=1))
def test_what_was_encoded_is_parsed_again_however_it_is_cut(sent, cuts):
    data = b"".join(encode(f.command, f.headers.items(), f.body) + b"\n" for f in sent)
    parser, got, at, turn = Parser(), [], 0, 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        got += parser.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert parser.error is None
    for frame in got:
        frame.headers.pop("content-length", None)
    assert got == sent


@given(values)
def test_escape_and_unescape_are_inverse(text):
    assert V12.decoded(escape(text)) == leniently_decoded(escape(text)) == text
    assert "\n" not in escape(text)


LINES = [b"destination:/queue/a", b"destination:", b"destination:/topic/\xc3\xa4", b"destination:\xff", b"receipt:1",
         b"receipt:a:b", b"receipt:a\\cb", b"receipt:\\t", b"receipt:2\r", b"content-length:3", b"content-length:03",
         b"content-length:2", b"content-length:101", b"content-length:x", b"dedup-id:d", b"dedup-id:\0", b"Receipt:1",
         b"persistent:true", b"receipt", b":"]


def general(head: bytes) -> tuple[str, dict[str, str]] | str:
    try:
        return parse_head(head, 4)
    except ProtocolError as error:
        return str(error)


@given(st.lists(st.sampled_from(LINES), max_size=5), st.sampled_from([b"abc", b"a\0c"]))
def test_a_send_of_few_headers_means_the_same_as_any_other(lines, body):
    """The parser takes common frames apart in one step; what comes out is what its general way makes of them."""
    head, parser = b"\n".join([b"SEND", *lines]), Parser(Limits(max_frame_bytes=100, max_headers=4))
    frames, meant = parser.feed(head + b"\n\n" + body + b"\0BEGIN\ntransaction:t\n\n\0"), general(head)
    if isinstance(meant, str):
        assert (frames, str(parser.error)) == ([], meant)
    elif meant[1].get("content-length", "3") in ("3", "03") and (b"\0" not in body or "content-length" in meant[1]):
        assert [frames[0], frames[1].command] == [Frame(*meant, body), "BEGIN"]
    else:
        assert parser.error is not None or frames[0].body == b"a"


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_send_that_arrives_in_two_parts_is_one_frame(cut):
    data = b"SEND\ndestination:/queue/a\ncontent-length:3\nreceipt:1\n\nabc\0" * 2
    parser = Parser()
    assert parser.feed(data[:cut]) + parser.feed(data[cut:]) == parse(data)


def test_a_head_larger_than_the_limit_is_refused_also_when_all_of_it_arrived():
    assert "larger than 200 bytes" in error_of(b"SEND\ndestination:/" + b"a" * 300 + b"\ncontent-length:0\n\n\0", SMALL)


def test_plain_sends_that_follow_each_other_stay_together():
    plain, other = b"SEND\ndestination:/queue/a\ncontent-length:1\nreceipt:%d\n\nx\0", b"BEGIN\ntransaction:t\n\n\0"
    first, begin, last = Parser().parts(plain % 1 + plain % 2 + other + plain % 3)
    assert (first.receipts, begin.command, last.receipts) == ([b"1", b"2"], "BEGIN", [b"3"])


@pytest.mark.parametrize(("data", "receipt"), [
    (b"SEND\nreceipt:1\na:\\t\n\n\0", "1"), (b"SEND\nreceipt:a\\cb\nnocolon\n\n\0", "a:b"),
    (b"SEND\nreceipt:1\ncontent-length:101\n\n", "1"), (b"SEND\nreceipt:1\n\n" + b"x" * 101, "1"),
    (b"SEND\nreceipt:1\nb:1\nc:1\nd:1\ne:1\n\n\0", "1"), (b"SEND\nreceipt:1\na:" + b"x" * 300, "1"),
    (b"BEGIN\nreceipt:1\n\n\0SEND\na\n\nreceipt:2\n\0", None), (b"SEND\nreceipt:\xff\na\n\n\0", None),
    (b"SEND\nnocolon\n\n\0", None), (b"ACK\nid:1\nreceipt:7\n\nbody\0", "7")])
@pytest.mark.parametrize("cut", [0, 12, 18])
def test_a_bad_frame_tells_the_receipt_that_it_asks_for(data, receipt, cut):
    parser = Parser(SMALL)
    parser.feed(data[:cut])
    parser.feed(data[cut:])
    assert parser.error.receipt == receipt


def test_line_ends_are_no_body_and_the_length_of_a_frame_without_one_says_nothing():
    assert [frame.body for frame in parse(b"ACK\nid:1\n\n\r\n\0BEGIN\ncontent-length:x\n\n\0")] == [b"", b""]


def written(dialect, lines):
    """What ``recoded`` makes of header lines of 1.2, without the body."""
    return dialect.recoded(lines + b"\nbody \\c\n\n\\r\0").removesuffix(b"\nbody \\c\n\n\\r\0")


@pytest.mark.parametrize(("lines", "in_1_1", "in_1_0"), [
    (b"a:plain\n", b"a:plain\n", b"a:plain\n"), (b"a:\\r\n", b"a:\r\n", b"a:\r\n"),
    (b"a:1\\c2\n", b"a:1\\c2\n", b"a:1:2\n"), (b"a\\cb:1\n", b"a\\cb:1\n", b"a\\cb:1\n"),
    (b"a:\\\\r\n", b"a:\\\\r\n", b"a:\\r\n"), (b"a:\\n\nb:\\r\n", b"a:\\n\nb:\r\n", b"a:\\n\nb:\r\n")])
def test_header_lines_are_recoded_for_older_versions(lines, in_1_1, in_1_0):
    assert [written(dialect, lines) for dialect in DIALECTS] == [lines, in_1_1, in_1_0]


@given(values)
def test_a_value_that_was_recoded_means_the_same_in_1_1(text):
    line = written(V11, b"a:" + escape(text).encode() + b"\n").decode()
    assert V11.decoded(line.removeprefix("a:").removesuffix("\n")) == text


def test_1_0_knows_no_escapes_and_no_spaces_around_values():
    parser = Parser()
    parser.dialect = V10
    assert parser.feed(b"SEND\ndestination: /topic/a\nb : \\c\\t \n\nx\0") == [
        Frame("SEND", {"destination": "/topic/a", "b": "\\c\\t"}, b"x")]


@pytest.mark.parametrize("head", [b"content-length:30000\n", b""])
@pytest.mark.parametrize("sizes", [[1], [PIECE_BYTES], [7, PIECE_BYTES], [PIECE_BYTES, 7, 7]])
def test_a_large_frame_is_whole_whatever_parts_it_comes_in_and_few_objects_hold_it(head, sizes):
    body = bytes(1 + number % 255 for number in range(30_000))
    data, parser, got, at = b"SEND\ndestination:/topic/a\n" + head + b"\n" + body + b"\0\n", Parser(), [], 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            break
        got += parser.feed(data[at : at + size])
        at += size
        assert len(parser._pieces) <= 2 * len(data) / PIECE_BYTES
    assert [frame.body for frame in got] == [body]
    assert not parser.unfinished
