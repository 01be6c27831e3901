"""A STOMP client that nobody here wrote (stomp.py), as scenarios use it."""

import contextlib
import threading
import time
import uuid

import stomp

from .books import Acknowledgements, Book
from .harness import wait_for


class StompClient(stomp.ConnectionListener):
    """Connected on return. ``messages`` are (headers, body) in the order they came; ``errors`` the ERROR frames."""

    def __init__(self, port: int, login: str, passcode: str, *, host: str = "127.0.0.1"):
        self.messages: list[tuple[dict, str]] = []
        self.errors: list[str] = []
        self._receipts: set[str] = set()
        self._got_receipt = threading.Condition()
        self.connection = stomp.Connection12([(host, port)], reconnect_attempts_max=1)
        self.connection.set_listener("scenario", self)
        self.connection.connect(login, passcode, wait=True, with_connect_command=False)

    def __enter__(self) -> "StompClient":
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(stomp.exception.NotConnectedException):
            self.connection.disconnect()

    def on_message(self, frame) -> None:
        self.messages.append((frame.headers, frame.body))

    def on_error(self, frame) -> None:
        self.errors.append(f"{frame.headers.get('message', '')} {frame.body}")

    def on_receipt(self, frame) -> None:
        with self._got_receipt:
            self._receipts.add(frame.headers["receipt-id"])
            self._got_receipt.notify_all()

    def send(self, destination: str, body: str, *, timeout: float = 10, **headers: str) -> None:
        """SEND with a receipt; returns when the server acknowledged."""
        receipt = str(uuid.uuid4())
        self.connection.send(destination, body, receipt=receipt, **headers)
        with self._got_receipt:
            assert self._got_receipt.wait_for(lambda: receipt in self._receipts, timeout), f"no receipt; {self.errors}"

    def subscribe(self, destination: str, *, from_seq: int | None = None) -> None:
        headers = {} if from_seq is None else {"from-seq": str(from_seq)}
        self.connection.subscribe(destination, id=str(uuid.uuid4()), ack="auto", headers=headers)

    def bodies(self, count: int, timeout: float = 10) -> list[str]:
        """The bodies of the first ``count`` messages, once that many came."""
        wait_for(lambda: len(self.messages) >= count or self.errors, timeout, f"{count} messages")
        assert not self.errors, self.errors
        return [body for _, body in self.messages[:count]]


class UserOfBoth(stomp.ConnectionListener):
    """A user's client as the documents advise: both members in the host list of stomp.py; what was not acknowledged
    is sent again with its dedup-id after a reconnect. Keeps a Book, so that it can be checked as a Ledger is."""

    ANSWER_S = 2.0

    def __init__(self, addresses: list[tuple[str, int]], login: str, passcode: str, *, name: str):
        self.book, self.acks, self.reconnects = Book(name, 1), Acknowledgements(), -1
        self._addresses, self._login, self._passcode = addresses, login, passcode
        self._news = threading.Condition()
        self._connected = False
        self.connection: stomp.Connection12 | None = None

    def __enter__(self) -> "UserOfBoth":
        return self

    def __exit__(self, *_) -> None:
        self._hang_up()

    def on_connected(self, frame) -> None:
        self._tell(True)

    def on_disconnected(self) -> None:
        self._tell(False)

    def _tell(self, connected: bool) -> None:
        with self._news:
            self._connected = connected
            self._news.notify_all()

    def on_receipt(self, frame) -> None:
        with self._news:
            if "seq" in frame.headers:
                self.book.acknowledged(int(frame.headers["receipt-id"]), int(frame.headers["seq"]))
                self.acks.add(time.monotonic())
            self._news.notify_all()

    def publish(self, timeout: float = 15) -> None:
        """Send the next message until it is acknowledged."""
        number = self.book.next()
        deadline = time.monotonic() + timeout
        while number in self.book.pending:
            assert time.monotonic() < deadline, f"message {number} was not acknowledged within {timeout} s"
            with contextlib.suppress(stomp.exception.StompException, OSError):
                if not self._connected:
                    self._connect()
                self.connection.send(self.book.destination, f"{number} ", receipt=str(number),
                                     headers={"dedup-id": self.book.dedup_id(number)})
                self._wait(lambda: number not in self.book.pending or not self._connected)

    def _connect(self) -> None:
        self._hang_up()
        self.reconnects += 1
        self.connection = stomp.Connection12(self._addresses, reconnect_attempts_max=1, timeout=1)
        self.connection.set_listener("user", self)
        # Not wait=True: it would wait for ever for a server that takes the connection and then dies.
        self.connection.connect(self._login, self._passcode)
        if not self._wait(lambda: self._connected):
            raise stomp.exception.ConnectFailedException

    def _wait(self, condition) -> bool:
        with self._news:
            return self._news.wait_for(condition, self.ANSWER_S)

    def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.transport.disconnect_socket()
