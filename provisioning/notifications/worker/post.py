"""One POST to an address that somebody typed: resolved once, judged, and asked at exactly that address; within a time,
without redirects and proxies, and no more than a bit of the answer is read."""

import http.client
import queue
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from provisioning.notifications.facts import Answer
from provisioning.notifications.rules.addresses import Allowed, split_url, why_not_ask, why_not_post

from .cut import Cut

CONNECT_S, WHOLE_S = 5.0, 10.0
MOST_READ = 64 * 1024
AGENT = "Pairwise"
_PORTS = {"https": 443, "http": 80}


class NotAsked(Exception):
    """The text is the sentence that says why."""


def post(url: str, body: bytes, headers: Mapping[str, str], allowed: Allowed,
         context: ssl.SSLContext | None = None) -> Answer:
    """What came of it; 2xx is success. ``context``: by which the receiver is verified, None for that of the machine."""
    if why := why_not_post(url, allowed):
        return Answer(False, f"URL {why}")
    parts, deadline = split_url(url), time.monotonic() + WHOLE_S
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        sock = connected(host, port, allowed, deadline)
    except NotAsked as error:
        return Answer(False, str(error))
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    with sock, Cut(sock, deadline - time.monotonic()) as cut:
        try:
            connection = Connection(host, port, sock, is_secured=parts.scheme == "https", context=context)
            return _asked(connection, target, body, headers, cut)
        except ssl.SSLCertVerificationError as error:
            return Answer(False, f"The certificate of {host} is not trusted ({error.verify_message}). Correct it "
                          "there, or let this machine trust its authority.")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer(False, _why_failed(f"{host} at port {port}", error, is_late=cut.happened))


def _why_failed(place: str, error: Exception, *, is_late: bool) -> str:
    if is_late or isinstance(error, TimeoutError):
        return f"{place} did not answer within {WHOLE_S:.0f} s. See what it is busy with."
    # Who says nothing at all is one of its kinds.
    if type(error) is http.client.BadStatusLine:
        return f"What {place} answers is no HTTP. See whether the address names the right port."
    return (f"The connection to {place} failed: {error or type(error).__name__}. See whether the receiver runs, and "
            "speaks TLS where the address begins with https://.")


class Connection(http.client.HTTPConnection):
    """Over ``sock``, which is connected already."""

    def __init__(self, host: str, port: int, sock: socket.socket, *, is_secured: bool,
                 context: ssl.SSLContext | None):
        super().__init__(host, port)
        self.default_port = _PORTS["https" if is_secured else "http"]
        self.sock: Any = sock
        if is_secured:
            if context is None:
                context = ssl.create_default_context()
                context.minimum_version = ssl.TLSVersion.TLSv1_2
            self.sock = context.wrap_socket(sock, server_hostname=host)


def _asked(connection: Connection, target: str, body: bytes, headers: Mapping[str, str], cut: Cut) -> Answer:
    try:
        connection.request("POST", target, body, {"User-Agent": AGENT, **headers})
        response = connection.getresponse()
        if cut.happened:
            # Headers that were cut off look like complete ones.
            raise TimeoutError
        said = _beginning(response)
    finally:
        connection.close()
    if 200 <= response.status < 300:
        return Answer(True, said, response.status)
    if 300 <= response.status < 400:
        return Answer(False, f"It answered {response.status}, which names another address. That is not followed: give "
                      "the address itself.", response.status)
    return Answer(False, said or response.reason or "", response.status)


def _beginning(response: http.client.HTTPResponse) -> str:
    """What was said counts by its status, also when the rest of it does not come."""
    try:
        return response.read(MOST_READ).decode(errors="replace")
    except (OSError, http.client.HTTPException, ValueError):
        return ""


def connected(host: str, port: int, allowed: Allowed, deadline: float,
              kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """``deadline`` by time.monotonic(). Raises NotAsked."""
    addresses = _resolved(host, port, deadline)
    for _, address in addresses:
        # One that must not be asked makes the name one that is not asked.
        if why := why_not_ask(ip_address(address[0].partition("%")[0]), allowed):
            raise NotAsked(f"{host} is not asked: {why}")
    reason = ""
    for family, address in addresses:
        left = min(CONNECT_S, deadline - time.monotonic())
        if left <= 0:
            break
        sock = socket.socket(family, kind)
        try:
            sock.settimeout(left)
            sock.connect(address)
            sock.settimeout(WHOLE_S)
            return sock
        except TimeoutError:
            sock.close()
            reason = f"it did not answer within {CONNECT_S:.0f} s"
        except OSError as error:
            sock.close()
            reason = error.strerror or str(error)
    raise NotAsked(f"{host} at port {port} cannot be reached: {reason or 'it took too long'}. See whether it runs and "
                   "the network lets this machine there.")


def _resolved(host: str, port: int, deadline: float) -> list[tuple[int, Any]]:
    """(family, address) of ``host``; who resolves names has no time limit of its own. Raises NotAsked."""
    found: queue.SimpleQueue[list | OSError | UnicodeError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=resolve, name="resolver", daemon=True).start()
    try:
        answer = found.get(timeout=max(0.0, min(CONNECT_S, deadline - time.monotonic())))
    except queue.Empty:
        raise NotAsked(f"The name {host} was not resolved within {CONNECT_S:.0f} s. See whether DNS works on this "
                       "machine.") from None
    if isinstance(answer, Exception) or not answer:
        raise NotAsked(f"The name {host} is not known. Correct it, or see whether DNS works on this machine.")
    return [(family, address) for family, _, _, _, address in answer]

