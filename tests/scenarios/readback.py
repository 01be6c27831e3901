"""Reads a ledger back: everything from ``from-seq: 1`` up to a marker that is sent for the purpose."""

import contextlib
import socket
import time
import uuid
from collections.abc import Sequence

from tests.scenarios.books import Address, Read
from tests.scenarios.harness import PATIENCE

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
                with contextlib.closing(_Reader(address, login, passcode)) as reader:
                    return reader.everything(ledger, from_seq, deadline)
            except (OSError, _Broken) as error:
                why = f"{address}: {error}"
        time.sleep(AGAIN_S)
    raise AssertionError(f"{ledger} could not be read back within {timeout} s ({why})")


class _Broken(Exception):
    """The server closed the connection or answered an ERROR."""


class _Reader:
    def __init__(self, address: Address, login: str, passcode: str):
        self._socket = socket.create_connection(address, CONNECT_S)
        self._rest = b""
        self._frames: list[bytes] = []
        self._write(f"CONNECT\naccept-version:1.2\nhost:/\nlogin:{login}\npasscode:{passcode}\n\n\0")
        self._take(b"CONNECTED", time.monotonic() + CONNECT_S)

    def close(self) -> None:
        self._socket.close()

    def everything(self, ledger: str, from_seq: int, deadline: float) -> list[Read]:
        mark = uuid.uuid4().hex
        self._write(f"SUBSCRIBE\nid:1\ndestination:/topic/{ledger}.*\nfrom-seq:{from_seq}\n\n\0"
                    f"SEND\ndestination:/topic/{ledger}.mark\n\n{mark}\0")
        messages = []
        while True:
            head, body = self._take(b"MESSAGE", deadline)
            destination = head["destination"]
            if body == mark:
                return messages
            if not destination.endswith(".mark"):
                messages.append(Read(int(head["seq"]), destination, int(body.split()[0])))

    def _write(self, text: str) -> None:
        self._socket.sendall(text.encode())

    def _take(self, command: bytes, deadline: float) -> tuple[dict[str, str], str]:
        while not self._frames:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            data = self._socket.recv(1 << 18)
            if not data:
                raise _Broken("it closed the connection")
            *frames, self._rest = (self._rest + data).split(b"\0")
            self._frames = [frame for frame in (each.lstrip() for each in reversed(frames)) if frame]
        frame = self._frames.pop()
        head, _, body = frame.partition(b"\n\n")
        got, *lines = head.decode().split("\n")
        if got != command.decode():
            raise _Broken(f"it answered {head.decode()}")
        return dict(line.split(":", 1) for line in lines), body.decode()
