"""The console's calls to control, over plain sockets: from a view's thread, a Celery worker or a command."""

import hashlib
import hmac
import logging
import socket
import ssl
import time
from collections.abc import Iterable
from typing import TypeVar

from django.conf import settings

from protocol import tls, wire
from protocol.controls import NOT_LEADER
from protocol.dialling import Dialling
from protocol.message import Message
from protocol.messages import Changed, Ping, Pong
from protocol.opening_messages import Challenge, Heartbeat, Refused, Welcome
from protocol.pair_messages import PairAnswer, PairRequest
from provisioning.keys import all_keys

from .tls import control_context, reachable

log = logging.getLogger(__name__)
_Answer = TypeVar("_Answer", bound=Message)
_unheard = [False]
"""Whether the last notice did not get through: work that says much says that once."""

CONSOLE_NAME = "console"
NAMES_A_MESSAGE = 2000
NOTICE_TIMEOUT_S = 1.0
PAIR_TIMEOUT_S = 15.0
"""A switchover ends one way or the other before this."""
ASK_AGAIN_S = 0.2
"""While none of several controls leads, all are asked again after so long."""
_led_last: tuple[str, int] | None = None


class ControlUnavailable(ConnectionError):
    """Control did not answer in time. The text is a sentence that says what to do."""


class OtherKey(ControlUnavailable):
    """Control is there, and what we prove is of no key that it has."""


class _Refuses(ConnectionError):
    """Control heard who we are and did not let us in."""


class _NotTheLeader(ConnectionError):
    """Another control leads, or is about to."""


def control_secrets() -> tuple[str, ...]:
    """What the console and control share: derived from the secret key, so that it needs no place of its own. The first
    is what we show; while the key is rotated others count as well."""
    return tuple(hmac.new(key.encode(), b"pairwise console to control", hashlib.sha256).hexdigest()
                 for key in all_keys())


def controls() -> list[tuple[str, int]]:
    """(host, port) of every control of this console."""
    return list(settings.PAIRWISE_CONTROLS) or [(settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT)]


def configuration_server() -> dict:
    """{"host", "port"} that servers get as -host and -port."""
    host, port = controls()[0]
    return {"host": host, "port": port}


def ping(timeout_s: float = 1.0) -> dict:
    """Control's facts: since (Unix time), applications and hosts (connected). Raises ControlUnavailable."""
    return _call(Ping(), timeout_s=timeout_s, answer=Pong).facts


def announce_changed(applications: Iterable[str] = (), hosts: Iterable[str] = ()) -> bool:
    """Tell control to read these applications and hosts again; True when it did.

    Never raises: control that does not answer finds the change by itself within seconds or at its next start.
    """
    applications, hosts = list(applications), list(hosts)
    if not applications and not hosts:
        return True
    try:
        for start in range(0, max(len(applications), len(hosts)), NAMES_A_MESSAGE):
            part = slice(start, start + NAMES_A_MESSAGE)
            _call(Changed(applications=applications[part], hosts=hosts[part]), Ping(), timeout_s=NOTICE_TIMEOUT_S,
                  answer=Pong)
    except ControlUnavailable as error:
        first, _unheard[0] = not _unheard[0], True
        log.log(logging.WARNING if first else logging.DEBUG, "control was not told of a change: %s", error)
        return False
    _unheard[0] = False
    return True


def ask_pair(verb: str, application: str, *, target: str = "", by: str = "", reason: str = "",
             timeout_s: float = PAIR_TIMEOUT_S) -> PairAnswer:
    """Ask control for ``verb`` of messages.PAIR_VERBS on the pair whose primary is ``application``; waits until it is
    done or refused. Raises ControlUnavailable."""
    request = PairRequest(verb=verb, application=application, target=target, by=by, reason=reason)
    return _call(request, timeout_s=timeout_s, answer=PairAnswer)


def _call(*messages: Message, timeout_s: float, answer: type[_Answer]) -> _Answer:
    """Say ``messages`` to the control that leads and return the ``answer`` to the last one."""
    deadline = time.monotonic() + timeout_s
    try:
        with _leader(deadline) as line:
            for message in messages:
                line.send(message)
            return line.expect(answer)
    except (OSError, UnicodeError, tls.TlsError) as error:
        where = " and ".join(f"{host}:{port}" for host, port in controls())
        why = tls.why_untrusted(error, where) if isinstance(error, ssl.SSLError) else error
        raise (OtherKey if isinstance(error, _Refuses) else ControlUnavailable)(
            f"The Configuration Server at {where} did not answer ({why}). Start control "
            "(./run starts it; by hand: manage.py runcontrol).") from error


def _leader(deadline: float) -> "_Line":
    """An open line to the control that leads; the one that led last is asked first. Raises OSError, UnicodeError."""
    global _led_last
    known = controls()
    known.sort(key=lambda address: address != _led_last)
    while True:
        troubles = []
        for place, address in enumerate(known):
            # One that swallows everything must leave time for the others.
            until = time.monotonic() + (deadline - time.monotonic()) / (len(known) - place)
            try:
                line = _opened(address, until, deadline)
            except (OSError, UnicodeError) as error:
                troubles.append(error)
            else:
                _led_last = address
                return line
        if not any(isinstance(error, _NotTheLeader) for error in troubles) or time.monotonic() + ASK_AGAIN_S > deadline:
            raise troubles[0]
        time.sleep(ASK_AGAIN_S)


def _opened(address: tuple[str, int], until: float, deadline: float) -> "_Line":
    line = _Line((reachable(address[0]), address[1]), control_context(), deadline=until)
    try:
        line.open(control_secrets()[0])
    except BaseException:
        line.__exit__()
        raise
    line.deadline = deadline
    return line


class _Line:
    """One connection with a deadline over everything that happens on it."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None, *, deadline: float):
        self.deadline, self._buffer = deadline, bytearray()
        self._socket = socket.create_connection(address, timeout=self._left())
        if context is not None:
            # It closes the socket when the handshake fails.
            self._socket = context.wrap_socket(self._socket, server_hostname=address[0])

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *exc_info) -> None:
        self._socket.close()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def open(self, secret: str) -> None:
        dialling = Dialling(kind="console", name=CONSOLE_NAME, secret=secret)
        self.send(dialling.introduce(self.expect(Challenge)))
        dialling.believe(self.expect(Welcome))

    def send(self, message: Message) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(wire.encode(message))

    def expect(self, kind: type[_Answer]) -> _Answer:
        while isinstance(message := wire.decode(self._line()), Heartbeat):
            pass
        if isinstance(message, Refused):
            raise (_NotTheLeader if message.event == NOT_LEADER else _Refuses)(message.reason)
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
