"""A STOMP client that nobody here wrote."""

import re
import threading

import pytest
import stomp

from tests.waiting import wait_for

from .conftest import ROOT
from .control_double import WAIT_S

pytestmark = pytest.mark.scenario


class Collector(stomp.ConnectionListener):
    """Keeps what arrives; ``wait`` is bounded."""

    def __init__(self):
        self.changed = threading.Condition()
        self.messages, self.receipts, self.errors = [], [], []

    def _note(self, store, frame):
        with self.changed:
            store.append(frame)
            self.changed.notify_all()

    def on_message(self, frame):
        self._note(self.messages, frame)

    def on_receipt(self, frame):
        self._note(self.receipts, frame.headers["receipt-id"])

    def on_error(self, frame):
        self._note(self.errors, frame)

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, WAIT_S)


def connect(kind, port, **options):
    connection = kind([("127.0.0.1", port)], **options)
    listener = Collector()
    connection.set_listener("test", listener)
    connection.connect("bench", "benchpass", wait=True)
    return connection, listener


@pytest.mark.parametrize("kind", [stomp.Connection10, stomp.Connection11, stomp.Connection12])
def test_send_with_receipt_subscribe_and_acknowledge(served, here, kind):
    options = {} if kind is stomp.Connection10 else {"heartbeats": (2000, 2000)}
    connection, listener = connect(kind, served.port, **options)
    connection.subscribe(here, id="1", ack="client", headers={"prefetch-count": "1"})
    for number in range(2):
        connection.send(here, "Grüße", receipt=f"r{number}", headers={"colour": "a:b"})
    listener.wait(lambda: listener.messages and len(listener.receipts) == 2)
    message = listener.messages[0]
    assert (message.body, message.headers["colour"]) == ("Grüße", "a:b")
    assert listener.receipts == ["r0", "r1"]
    connection.ack(**{
        stomp.Connection10: {"id": message.headers["message-id"]},
        stomp.Connection11: {"id": message.headers["message-id"], "subscription": "1"},
        stomp.Connection12: {"id": message.headers.get("ack")}}[kind])
    listener.wait(lambda: len(listener.messages) == 2)
    connection.disconnect()
    assert not listener.errors


def test_the_first_example_of_the_document_prints_a_receipt_and_the_message(server, capsys):
    text = (ROOT / "docs" / "message-protocol.md").read_text()
    example = re.search(r"```python\n(.+?)```", text, re.DOTALL)[1]
    example, addresses = re.subn(r'"ms-[ab]\.example", 7000', f'"127.0.0.1", {server.port}', example)
    example, pauses = re.subn(r"time\.sleep\(2\)", "until_printed()", example)
    assert (addresses, pauses) == (2, 1)
    printed = []

    def both():
        printed.append(capsys.readouterr().out)
        return {"on_receipt", "on_message"} <= {line.split()[0] for line in "".join(printed).splitlines()}

    exec(compile(example, "message-protocol.md", "exec"), {"until_printed": lambda: wait_for(both, WAIT_S)})
    assert "hello" in "".join(printed)
