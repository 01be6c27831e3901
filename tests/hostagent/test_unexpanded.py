"""A small message does not become a large one."""

import bz2
import gzip
import lzma

import pytest
from kombu import Connection
from kombu.exceptions import DecodeError
from kombu.message import Message
from kombu.serialization import loads

from console.celery import app
from hostagent.reconnection import ReturningConnection

JSON = ["application/json"]
PACKED = {"application/x-bz2": bz2.compress, "bzip2": bz2.compress, "gzip": gzip.compress, "zlib": gzip.compress,
          "application/x-gzip": gzip.compress, "lzma": lzma.compress, "xz": lzma.compress,
          "application/x-lzma": lzma.compress, "zstd": bytes, "brotli": bytes}
LARGE = b"0" * 10_000_000


@pytest.mark.parametrize("named", PACKED)
def test_what_says_that_it_is_compressed_is_an_error_of_the_message(named):
    packed = PACKED[named](LARGE)
    message = Message(packed, content_type="application/json", headers={"compression": named}, accept=JSON)
    assert message.body is packed
    assert isinstance(message.errors[0][1], KeyError)


@pytest.mark.parametrize("encoding", ["bz2", "zlib", "bz2_codec", "ZIP", "hex", "uu", "base64", "rot13", "nonsense"])
def test_no_content_encoding_expands_either(encoding):
    for kind in ("application/data", "application/text"):
        with pytest.raises(DecodeError):
            loads(bz2.compress(LARGE), kind, encoding, accept=JSON)
    assert loads("é".encode("latin-1"), "application/text", "latin-1", accept=JSON) == "é"


def test_nothing_is_sent_compressed():
    with Connection("memory://") as connection, pytest.raises(KeyError):
        connection.Producer().publish({}, compression="gzip", routing_key="x")


def test_a_worker_puts_such_a_message_aside_and_goes_on():
    """As Celery's consumer does: an error of decoding is logged, and the message acknowledged."""
    refused, taken = [], []

    def put_aside(message, error):
        refused.append(type(error))
        message.ack()

    assert isinstance(app.connection_for_read(), ReturningConnection)
    with Connection("memory://") as connection:
        producer = connection.Producer(routing_key="unexpanded", auto_declare=False)
        queue = connection.SimpleQueue("unexpanded").queue
        producer.publish(bz2.compress(LARGE), headers={"compression": "bzip2"}, content_type="application/json",
                         content_encoding="binary")
        producer.publish({"number": 1}, serializer="json")
        with connection.Consumer([queue], accept=["json"], on_decode_error=put_aside,
                                 callbacks=[lambda body, message: (taken.append(body), message.ack())]):
            connection.drain_events(timeout=5)
            connection.drain_events(timeout=5)
        assert (refused, taken) == ([KeyError], [{"number": 1}])
        assert queue(connection.default_channel).get() is None
