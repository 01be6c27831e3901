"""What the tests of STOMP's clauses have in common: clients of each version, and what they say."""

from messageserver.dialects import DIALECTS
from messageserver.stomp import Frame
from tests.doubles.stomp import Client

NEWER = ("1.1", "1.2")
ALL = ("1.0", *NEWER)


def speaking(server, version: str = "1.2") -> Client:
    client = server.client(connect=False)
    named = {} if version == "1.0" else {"accept-version": version, "host": "/"}
    client.send("CONNECT", {**named, "login": "bench", "passcode": "benchpass"})
    client.connected = client.expect("CONNECTED")
    client._parser.dialect = next(dialect for dialect in DIALECTS if dialect.version == version)
    return client


def error(client: Client, words: str = "") -> Frame:
    """The ERROR that is next; nothing comes after it."""
    frame = client.expect("ERROR")
    assert words in frame.headers["message"]
    assert client.next() is None
    return frame


def subscribed(client: Client, here: str, *lines: str) -> None:
    client.raw("\n".join(["SUBSCRIBE", "id:s", f"destination:{here}", "receipt:sub", *lines, "", "\0"]).encode())
    client.expect("RECEIPT")


def sent(client: Client, here: str, *lines: str, body: str = "x") -> None:
    client.raw("\n".join(["SEND", f"destination:{here}", *lines, "", f"{body}\0"]).encode())


def quiet(client: Client) -> bool:
    """Whether nothing but the answer to this question comes: what was sent before has no other effect."""
    client.send("BEGIN", {"transaction": "quiet", "receipt": "quiet"})
    client.send("ABORT", {"transaction": "quiet"})
    return client.expect("RECEIPT").headers["receipt-id"] == "quiet"


def acknowledge(client: Client, message: Frame, command: str = "ACK", **more: str) -> None:
    """As the version of ``client`` has it."""
    headers, version = message.headers, client.connected.headers["version"]
    named = {"1.2": {"id": headers.get("ack", "")},
             "1.1": {"message-id": headers["message-id"], "subscription": headers["subscription"]},
             "1.0": {"message-id": headers["message-id"]}}[version]
    client.send(command, {**named, **more})
