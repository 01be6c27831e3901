"""What a server says becomes what pages show, whatever it says."""

import pytest

from provisioning.messages import rules
from provisioning.messages.facts import Content, Subscription

from .conftest import connection, message


@pytest.mark.parametrize(("body", "size", "shown"), [
    (b"hello\n  world", 13, Content("hello world")), (b"x" * 300, 300, Content("x" * 200, True, True)),
    ("ä".encode()[:1], 9, Content("", True, True)), ("aä".encode()[:2], 9, Content("a", True, True)),
    (b"\xff\x00", 2, Content("ff 00", False)), (b"a\x01", 2, Content("61 01", False)),
    (b"\xff" * 70, 70, Content("ff " * 63 + "ff", False, True)), (b"", 0, Content(""))])
def test_a_body_begins_as_text_or_as_its_bytes(body, size, shown):
    assert rules.beginning_of(body, size) == shown


def test_a_whole_body_keeps_its_lines():
    assert rules.content_of(b"a\n b", 4) == Content("a\n b")
    assert rules.content_of(b"\x00" * 17, 20).text.split("\n") == ["000000  " + "00 " * 15 + "00", "000010  00"]


def test_headers_are_read_as_their_sender_gave_them():
    assert rules.headers_of("a\\cb:x\\ny\nempty:\n") == [("a:b", "x\ny"), ("empty", "")]


@pytest.mark.parametrize("said", [
    {}, {"messages": "none"}, {"messages": [1, None]}, {"messages": [], "looked_to": -5, "last_seq": "x"}])
def test_what_is_no_answer_is_an_empty_one(said):
    found = rules.look_of(said, "MS_A")
    assert (found.messages, found.looked_to, found.last_seq, found.member) == ([], 0, 0, "MS_A")


@pytest.mark.parametrize("wrong", [
    {"seq": None}, {"time": 10**17}, {"time": "now"}, {"beginning": "a"}, {"headers": 5}, {"size": 1e400}])
def test_what_is_wrong_in_a_message_is_left_out(wrong):
    assert rules.message_of({**message(1), **wrong}).destination == "/topic/orders"


@pytest.mark.parametrize(("unread", "behind", "words"), [
    (0, 0, ""), (65_535, 999, ""), (65_536, 0, "leaves 65,536 bytes unread"),
    (0, 1000, "is 1,000 records behind, with 3")])
def test_a_connection_that_does_not_keep_up_says_in_what(unread, behind, words):
    said = rules.slow(unread, [Subscription("1", "/topic/a", "client", 3, behind, False)])
    assert words in said
    assert bool(said) == bool(words)


def test_slow_connections_come_first_and_those_of_pairwise_last():
    said = {"total": 9, "connections": [connection("1", login="pairwise.log.reader"), connection("2", login="bob"),
                                        connection("3", login="zoe", unread_bytes=70_000)]}
    found = rules.connections_of(said, "MS_A")
    assert [(row.session, row.own) for row in found.rows] == [("3", False), ("2", False), ("1", True)]
    assert found.left_out == 6


@pytest.mark.parametrize(("text", "found"), [
    ("", {}), ("a: 1\n\nb:x:y", {"a": "1", "b": "x:y"}), ("no colon", "Write a header"), (": x", "Write a header"),
    ("a:1\na:2", "twice")])
def test_headers_are_typed_one_a_line(text, found):
    if isinstance(found, dict):
        assert rules.headers_typed(text) == found
    else:
        with pytest.raises(ValueError, match=found):
            rules.headers_typed(text)


@pytest.mark.parametrize(("headers", "words"), [
    ({}, ""), ({"type": "alarm"}, ""), ({"receipt": "1"}, "receipt is set by the console"), ({"": "1"}, "has a name"),
    ({f"h{n}": "1" for n in range(31)}, "31 headers are more than"), ({"a": "x" * 17_000}, "17,001 characters")])
def test_some_headers_are_not_the_senders_to_choose(headers, words):
    assert words in rules.headers_problem(headers)
    assert bool(words) == bool(rules.headers_problem(headers))


@pytest.mark.parametrize(("text", "words"), [
    ("/topic/a", ""), ("/queue/a", ""), ("/topic/", "has a name behind it"), ("/server/x", "begins with /topic/"),
    ("topic", "begins with"), ("/topic/*", r"leave out the \*")])
def test_a_message_goes_to_one_destination(text, words):
    assert words.replace("\\", "") in rules.destination_problem(text)
    assert bool(words) == bool(rules.destination_problem(text))
