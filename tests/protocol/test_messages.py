import contextlib
import dataclasses
from typing import get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import message
from protocol.messages import Hello, Message, MessageError, Report, from_dict

EVERY_MESSAGE = sorted(message._REGISTRY.values(), key=lambda cls: cls.type)


def values_of(cls: type[Message]):
    kinds = {
        str: st.text(max_size=20),
        int: st.integers(0, 2**53),
        float: st.floats(0, 1e9),
        bool: st.booleans(),
        dict: st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
        list: st.lists(st.integers(), max_size=2),
    }
    return st.fixed_dictionaries({f.name: kinds[get_origin(f.type) or f.type] for f in dataclasses.fields(cls)})


@pytest.mark.parametrize("cls", EVERY_MESSAGE, ids=lambda cls: cls.type)
@given(data=st.data())
def test_a_message_survives_the_way_to_a_dict_and_back(cls, data):
    message = cls(**data.draw(values_of(cls)))
    assert from_dict(message.to_dict()) == message


def test_a_field_that_a_newer_peer_added_is_ignored():
    body = {**Report(state="ready").to_dict(), "colour": "blue"}
    assert from_dict(body) == Report(state="ready")


@pytest.mark.parametrize(("body", "complaint"), [
    ([], "JSON object"),
    ({"type": "no_such"}, "unknown message type"),
    ({"type": "hello", "kind": "host"}, "is missing"),
    ({**Hello(kind="host", name="a", nonce="n", proof="p").to_dict(), "pid": "7"}, "field pid is not"),
    ({**Hello(kind="host", name="a", nonce="n", proof="p").to_dict(), "pid": True}, "field pid is not"),
])
def test_what_is_no_message_is_refused_with_what_is_wrong(body, complaint):
    with pytest.raises(MessageError, match=complaint):
        from_dict(body)


LEAVES = st.none() | st.booleans() | st.integers() | st.text()
KEYS = st.sampled_from(["type", "kind", "name"]) | st.text(max_size=5)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
                    max_leaves=8))
def test_any_json_is_a_message_or_a_message_error(body):
    with contextlib.suppress(MessageError):
        assert isinstance(from_dict(body), Message)
