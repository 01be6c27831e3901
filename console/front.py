"""Asks the console at the address by which people know it, through whatever is in front, how that reaches it."""

import http.client
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from console import echo
from console.addresses import port_of
from console.bounds import FORM_BYTES
from console.front_rules import CLAIMED_ADDRESS, Asked, claimed_scheme, faults
from protocol.outside import NotJson, read_json
from protocol.said import legible
from protocol.tls import TlsError, client_context
from provisioning.catalog.services.packages import MAX_BYTES
from provisioning.core.arrival import Arrival, shown_address
from provisioning.core.text import strange
from provisioning.notifications.rules.addresses import Allowed
from provisioning.notifications.worker.cut import Cut
from provisioning.notifications.worker.post import Connection, NotAsked, connected

TIMES = 6
"""So often it is asked, each time anew, so that a balancer has every web process answer."""
WHOLE_S, LATE_MORE_S = 30.0, 10.0
"""For all of it but the late answer, and for that one beyond what it takes."""
ANSWER_MAX = 16 * 1024
TOLD_MAX = 1000
NOT_OURS = ("What answers there does not know this console's key. See whether the name leads to this console, whether "
            "all web processes have the same PAIRWISE_SECRET_KEY and version, and whether the clocks agree.")


def found_in_front() -> list[CheckMessage]:
    """What is wrong there; nothing where no setting says how people reach the console."""
    url = settings.PAIRWISE_CONSOLE_URL
    if not url:
        return []
    behind_one = bool(settings.PAIRWISE_HTTPS or settings.PAIRWISE_TRUSTED_PROXIES)
    asked = ask(url)
    if behind_one and not asked.why_not:
        asked = replace(asked, gave_up_s=gave_up_s(url))
    found = faults(asked, behind_one=behind_one)
    # Whoever answers there may write to a terminal.
    return [(Error if ".E" in each.ident else Warning)(strange(legible(each.what, TOLD_MAX)), hint=strange(each.do),
                                                       id=each.ident) for each in found]


def ask(url: str) -> Asked:
    """What came of it, within WHOLE_S."""
    questions = _Questions(url, time.monotonic() + WHOLE_S)
    arrivals: list[tuple[str, Arrival]] = []
    large, held = None, None
    try:
        for _ in range(TIMES):
            arrivals.append(questions.arrival())
        large = questions.large()
        held = questions.held_s()
    except NotAsked as error:
        return Asked(url, tuple(arrivals), large, held, str(error))
    return Asked(url, tuple(arrivals), large, held)


def gave_up_s(url: str) -> float | None:
    """After how many s somebody in front no longer waited for the late answer; None when it came."""
    within = echo.LATE_S + LATE_MORE_S
    began = time.monotonic()
    try:
        came = _Questions(url, began + within).late()
    except NotAsked:
        came = False
    return None if came else time.monotonic() - began


class _Questions:
    """Each has a connection of its own. All raise NotAsked."""

    def __init__(self, url: str, deadline: float):
        self._parts, self._deadline = urlsplit(url), deadline
        self._headers = {
            echo.PROOF: echo.proof(settings.SECRET_KEY, time.time()), "Connection": "close", "User-Agent": "Pairwise",
            "X-Forwarded-For": CLAIMED_ADDRESS, "X-Forwarded-Proto": claimed_scheme(url)}

    def arrival(self) -> tuple[str, Arrival]:
        with self._asked() as connection:
            answer = connection.getresponse()
            body = answer.read(ANSWER_MAX)
        if answer.status != 200:
            raise NotAsked(_why_no_arrival(answer.status, answer.headers.get("Location", "")))
        try:
            return echo.arrival(read_json(body))
        except (NotJson, ValueError):
            raise NotAsked(NOT_OURS) from None

    def large(self) -> int:
        """The status that is answered to whoever announces the largest package. Nothing of it is sent: 100 asks for
        it."""
        headers = {"Content-Length": str(MAX_BYTES + FORM_BYTES), "Expect": "100-continue"}
        with self._asked("POST", headers) as connection, connection.sock.makefile("rb") as answer:
            # http.client would read on behind a 100.
            words = answer.readline(ANSWER_MAX).split()
        return int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) == 3 else 0

    def held_s(self) -> float:
        with self._asked(query=f"?{echo.STREAM.decode()}") as connection:
            answer = connection.getresponse()
            answer.readline(ANSWER_MAX)
            began = time.monotonic()
            answer.read(ANSWER_MAX)
            return time.monotonic() - began if answer.status == 200 else echo.HOLD_S

    def late(self) -> bool:
        """Whether the late answer came, or none was begun as the console holds back as many as it may."""
        # As POST: of a GET that nobody answers a proxy asks the next web process, and then holds both for dead.
        with self._asked("POST", query=f"?{echo.LATE.decode()}") as connection:
            return connection.getresponse().status in (200, 503)

    @contextmanager
    def _asked(self, method: str = "GET", headers: Mapping[str, str] | None = None,
               query: str = "") -> Iterator[Connection]:
        host, port = self._parts.hostname or "", port_of(self._parts.geturl(), 0)
        sock = connected(host, port, Allowed(loopback=True, http=True), self._deadline)
        with sock, Cut(sock, self._deadline - time.monotonic()) as cut:
            # The late answer comes after all that a receiver of notifications is given.
            sock.settimeout(None)
            try:
                connection = Connection(host, port, sock, is_secured=self._parts.scheme == "https", context=_trusted())
                try:
                    connection.request(method, f"{echo.PATH}{query}", headers={**self._headers, **(headers or {})})
                    yield connection
                finally:
                    connection.close()
            except ssl.SSLCertVerificationError as error:
                raise NotAsked(f"its certificate is not trusted here ({error.verify_message}), so hosts and programs "
                               "would not trust it either. Let each of these machines trust its authority "
                               "(docs/proxy.md).") from None
            except (OSError, http.client.HTTPException, TlsError) as error:
                why = f"no whole answer within {WHOLE_S:g} s" if cut.happened else str(error) or type(error).__name__
                raise NotAsked(f"the connection failed ({why}).") from None
            if cut.happened:
                raise NotAsked(f"no whole answer within {WHOLE_S:g} s.")


def _trusted() -> ssl.SSLContext | None:
    """As hosts verify it: the console's own certificate by its authority, a proxy's by those of the system."""
    return client_context(settings.PAIRWISE_TLS_CA) if settings.PAIRWISE_WEB_TLS else None


def _why_no_arrival(status: int, location: str) -> str:
    if location and not location.startswith("/"):
        return (f"it answers {status} and leads to {shown_address(location.rstrip('/').removesuffix(echo.PATH))}. Set "
                "PAIRWISE_CONSOLE_URL to the address that it leads to.")
    if status in (502, 503, 504):
        return f"the proxy in front answers {status}: it reaches no web process."
    return f"it answers {status}. {NOT_OURS}"
