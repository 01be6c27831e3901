"""``python customer.py HOST PORT LOGIN PASSCODE``: a client that sends a message, waits for its receipt, and so on over
one connection until its standard input ends; then it prints {"answers", "longest_s", "errors"} as JSON.

A file of its own that imports nothing of Pairwise, so that it runs in the network of a test host.
"""

import json
import select
import socket
import sys
import time

EVERY_S, ANSWER_S = 0.05, 10.0


class Customer:
    def __init__(self, address: tuple[str, int], login: str, passcode: str):
        self._address, self._who = address, (login, passcode)
        self._socket: socket.socket | None = None
        self.answers, self.longest_s, self.errors = 0, 0.0, []

    def ask(self) -> None:
        """One message with its receipt; an error is kept, and the next message tries anew."""
        began = time.monotonic()
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, ANSWER_S)
                login, passcode = self._who
                self._exchange(f"CONNECT\naccept-version:1.2\nhost:/\nlogin:{login}\npasscode:{passcode}\n\n",
                               b"CONNECTED")
            self._exchange(f"SEND\ndestination:/topic/customer\nreceipt:{self.answers}\n\nhello", b"RECEIPT")
            self.answers += 1
        except OSError as error:
            self.errors.append(f"{type(error).__name__}: {error}")
            self._socket = None
        self.longest_s = max(self.longest_s, time.monotonic() - began)

    def _exchange(self, frame: str, wanted: bytes) -> None:
        self._socket.sendall(frame.encode() + b"\0")
        answer = b""
        while not answer.endswith(b"\0"):
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("the server closed the connection")
            answer = (answer + chunk).lstrip(b"\n")
        if not answer.startswith(wanted):
            raise ConnectionError(answer.decode(errors="replace"))


def main() -> None:
    host, port, login, passcode = sys.argv[1:]
    customer = Customer((host, int(port)), login, passcode)
    while not select.select([sys.stdin], [], [], EVERY_S)[0]:
        customer.ask()
    print(json.dumps({"answers": customer.answers, "longest_s": customer.longest_s, "errors": customer.errors}))


if __name__ == "__main__":
    main()
