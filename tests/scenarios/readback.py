"""Reads a ledger back: everything from ``from-seq: 1`` up to a marker that is sent for the purpose."""

import time
import uuid
from collections.abc import Sequence

from tests.doubles.stomp import Client

from .books import Address, Read
from .harness import PATIENCE

CONNECT_S = 1.0
AGAIN_S = 0.05


def read_back(addresses: Sequence[Address], login: str, passcode: str, ledger: str, *, from_seq: int = 1,
              timeout: float = 60) -> list[Read]:
    """All messages of ``ledger`` that the serving member has. AssertionError when nobody serves for ``timeout`` s."""
    deadline = time.monotonic() + timeout * PATIENCE
    why = ""
    while time.monotonic() < deadline:
        for address in addresses:
            try:
                host, port = address
                with Client(port, host=host, login=login, passcode=passcode, wait_s=CONNECT_S) as reader:
                    return _everything(reader, ledger, from_seq, deadline)
            except (OSError, AssertionError) as error:
                # It closed the connection, or answered an ERROR.
                why = f"{address}: {error}"
        time.sleep(AGAIN_S)
    raise AssertionError(f"{ledger} could not be read back within {timeout} s ({why})")


def _everything(reader: Client, ledger: str, from_seq: int, deadline: float) -> list[Read]:
    mark = uuid.uuid4().hex.encode()
    reader.send("SUBSCRIBE", {"id": "1", "destination": f"/topic/{ledger}.*", "from-seq": str(from_seq)})
    reader.publish(f"/topic/{ledger}.mark", mark)
    messages = []
    while True:
        reader.wait_s = max(0.01, deadline - time.monotonic())
        frame = reader.expect("MESSAGE")
        destination = frame.headers["destination"]
        if frame.body == mark:
            return messages
        if not destination.endswith(".mark"):
            messages.append(Read(int(frame.headers["seq"]), destination, int(frame.body.split()[0])))
