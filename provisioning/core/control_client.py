"""The console's calls to control, over plain sockets: from a view's thread, a Celery worker or a command."""

import hashlib
import hmac
import logging
import ssl
import time
from collections.abc import Iterable

from django.conf import settings

from protocol import tls
from protocol.log_messages import LogRead, ReadLog
from protocol.message import Message
from protocol.messages import Changed, Ping, Pong
from protocol.pair_messages import PairAnswer, PairRequest
from provisioning.core.control_line import Answer, Line, NotTheLeader, Refuses
from provisioning.keys import all_keys

from .tls import control_context, reachable

log = logging.getLogger(__name__)
_unheard = [False]
"""Whether the last notice did not get through: work that says much says that once."""

NAMES_A_MESSAGE = 2000
NOTICE_TIMEOUT_S = 1.0
PAIR_TIMEOUT_S = 15.0
"""A switchover ends one way or the other before this."""
LOG_TIMEOUT_S = 6.0
"""Control answers before this, whatever the agent does."""
ASK_AGAIN_S = 0.2
"""While none of several controls leads, all are asked again after so long."""
_led_last: tuple[str, int] | None = None


class ControlUnavailable(ConnectionError):
    """Control did not answer in time. The text is a sentence that says what to do."""


class OtherKey(ControlUnavailable):
    """Control is there, and what we prove is of no key that it has."""


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


def read_log(asked: ReadLog) -> LogRead:
    """Lines of a log file, which control asks the agent of its host for. Raises ControlUnavailable."""
    return _call(asked, timeout_s=LOG_TIMEOUT_S, answer=LogRead)


def _call(*messages: Message, timeout_s: float, answer: type[Answer]) -> Answer:
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
        raise (OtherKey if isinstance(error, Refuses) else ControlUnavailable)(
            f"The Configuration Server at {where} did not answer ({why}). Start control "
            "(./run starts it; by hand: manage.py runcontrol).") from error


def _leader(deadline: float) -> "Line":
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
        if not any(isinstance(error, NotTheLeader) for error in troubles) or time.monotonic() + ASK_AGAIN_S > deadline:
            raise troubles[0]
        time.sleep(ASK_AGAIN_S)


def _opened(address: tuple[str, int], until: float, deadline: float) -> "Line":
    line = Line((reachable(address[0]), address[1]), control_context(), deadline=until)
    try:
        line.open(control_secrets()[0])
    except BaseException:
        line.__exit__()
        raise
    line.deadline = deadline
    return line
