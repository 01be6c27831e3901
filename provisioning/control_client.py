"""The console's calls to control, over plain sockets: from a view's thread, a Celery worker or a command."""

import hashlib
import hmac
import logging
import socket
import ssl
import time

from django.conf import settings

from console.tls import control_context, reachable
from protocol import auth, tls, wire
from protocol.messages import (
    Challenge,
    Changed,
    Heartbeat,
    Hello,
    Message,
    PairAnswer,
    PairRequest,
    Ping,
    Pong,
    Refused,
    Welcome,
)

log = logging.getLogger(__name__)

CONSOLE_NAME = "console"
NAMES_A_MESSAGE = 2000
NOTICE_TIMEOUT_S = 1.0
PAIR_TIMEOUT_S = 15.0
"""A switchover ends one way or the other before this."""


class ControlUnavailable(ConnectionError):
    """Control did not answer in time. The text is a sentence that says what to do."""


def control_secret() -> str:
    """What the console and control share: derived from SECRET_KEY, so that it needs no place of its own."""
    return hmac.new(settings.SECRET_KEY.encode(), b"pairwise console to control", hashlib.sha256).hexdigest()


def configuration_server() -> dict:
    """{"host", "port"} that servers get as -host and -port."""
    return {"host": settings.PAIRWISE_CONTROL_HOST, "port": settings.PAIRWISE_CONTROL_PORT}


def ping(timeout_s: float = 1.0) -> dict:
    """Control's facts: since (Unix time), applications and hosts (connected). Raises ControlUnavailable."""
    return _call(Ping(), timeout_s=timeout_s).facts


def announce_changed(applications: list[str] = (), hosts: list[str] = ()) -> bool:
    """Tell control to read these applications and hosts again; True when it did.

    Never raises: control that does not answer finds the change by itself within seconds or at its next start.
    """
    applications, hosts = list(applications), list(hosts)
    if not applications and not hosts:
        return True
    try:
        for start in range(0, max(len(applications), len(hosts)), NAMES_A_MESSAGE):
            part = slice(start, start + NAMES_A_MESSAGE)
            _call(Changed(applications=applications[part], hosts=hosts[part]), Ping(), timeout_s=NOTICE_TIMEOUT_S)
    except ControlUnavailable as error:
        log.warning("control was not told of a change: %s", error)
        return False
    return True


def ask_pair(verb: str, application: str, *, target: str = "", by: str = "", reason: str = "",
             timeout_s: float = PAIR_TIMEOUT_S) -> PairAnswer:
    """Ask control for ``verb`` of messages.PAIR_VERBS on the pair whose primary is ``application``; waits until it is
    done or refused. Raises ControlUnavailable."""
    request = PairRequest(verb=verb, application=application, target=target, by=by, reason=reason)
    return _call(request, timeout_s=timeout_s, answer=PairAnswer)


def _call(*messages: Message, timeout_s: float, answer: type[Message] = Pong) -> Message:
    """Say ``messages`` and return the ``answer`` to the last one."""
    address = (reachable(settings.PAIRWISE_CONTROL_HOST), settings.PAIRWISE_CONTROL_PORT)
    try:
        with _Line(address, control_context(), deadline=time.monotonic() + timeout_s) as line:
            line.open(control_secret())
            for message in messages:
                line.send(message)
            return line.expect(answer)
    except (OSError, UnicodeError, tls.TlsError) as error:
        why = tls.why_untrusted(error, address[0]) if isinstance(error, ssl.SSLError) else error
        raise ControlUnavailable(
            f"The Configuration Server at {address[0]}:{address[1]} did not answer ({why}). Start control "
            "(./run starts it; by hand: manage.py runcontrol).") from error


class _Line:
    """One connection with a deadline over everything that happens on it."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None, *, deadline: float):
        self._deadline, self._buffer = deadline, bytearray()
        self._socket = socket.create_connection(address, timeout=self._left())
        if context is not None:
            # It closes the socket when the handshake fails.
            self._socket = context.wrap_socket(self._socket, server_hostname=address[0])

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *exc_info) -> None:
        self._socket.close()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def open(self, secret: str) -> None:
        challenge = self.expect(Challenge)
        nonce = auth.new_nonce()
        proof = auth.client_proof(secret, server_nonce=challenge.nonce, client_nonce=nonce, kind="console",
                                  name=CONSOLE_NAME)
        self.send(Hello(kind="console", name=CONSOLE_NAME, nonce=nonce, proof=proof))
        welcome = self.expect(Welcome)
        if not auth.same(auth.server_proof(secret, server_nonce=challenge.nonce, client_nonce=nonce), welcome.proof):
            raise ConnectionError("what listens there is not the control of this console")

    def send(self, message: Message) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(wire.encode(message))

    def expect(self, kind: type[Message]) -> Message:
        while isinstance(message := wire.decode(self._line()), Heartbeat):
            pass
        if isinstance(message, Refused):
            raise ConnectionError(message.reason)
        if not isinstance(message, kind):
            raise ConnectionError(f"it said {message.type} where {kind.type} was due")
        return message

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > wire.MAX_LINE_BEFORE_WELCOME:
                raise ConnectionError("it sent a line that is too long")
            self._socket.settimeout(self._left())
            chunk = self._socket.recv(65536)
            if not chunk:
                raise ConnectionError("it closed the connection")
            self._buffer += chunk
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line
