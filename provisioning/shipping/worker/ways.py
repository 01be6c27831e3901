"""Entries to a target, tried once: the way of each kind of address, and what is kept of what came back."""

import errno
import logging
import os
import socket
import ssl
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from itertools import accumulate

from protocol.said import legible
from provisioning.core.redaction import Redactor
from provisioning.notifications.rules.addresses import Allowed
from provisioning.notifications.selectors.allowed import allowed_addresses
from provisioning.notifications.worker.post import NotAsked, connected, post
from provisioning.shipping.facts import Entry, Outcome, Target
from provisioning.shipping.rules import answers, lines
from provisioning.shipping.rules.addresses import path_of, place_of, scheme_of, why_not

from .sockets import LOOK_S, NotRead, context_of, send_and_close

log = logging.getLogger(__name__)
CONNECT_S = 5.0
ANSWER_CHARACTERS = 1000
FILE_MODE = 0o640
MOST_BYTES = 512 * 1024
AGENT_HEADERS = {"Content-Type": "application/json"}


def written(target: Target, entries: Sequence[Entry]) -> list[bytes]:
    """What is sent, a message for each entry."""
    scheme = scheme_of(target.address)
    if scheme == "file":
        return [lines.json_line(each) for each in entries]
    if scheme in ("https", "http"):
        return [lines.event(each, target.host) for each in entries]
    return [lines.line(each, format=target.format, host=target.host, version=target.version) for each in entries]


def fitting(messages: Sequence[bytes]) -> int:
    """How many of them go at once: as many as MOST_BYTES hold, and one that is longer."""
    sizes = accumulate(map(len, messages))
    return max(1, sum(size <= MOST_BYTES for size in sizes))


def send(target: Target, messages: Sequence[bytes]) -> Outcome:
    """One attempt with all of ``messages``, whatever becomes of it. What is said holds no secret of the target."""
    allowed = allowed_addresses()
    try:
        if why := why_not(target.address, allowed):
            return Outcome(False, f"Address {why}", reached=False)
        made = _WAYS[scheme_of(target.address)](target, messages, allowed)
    except NotAsked as error:
        made = Outcome(False, str(error), reached=False)
    except ssl.SSLCertVerificationError as error:
        made = Outcome(False, f"Its certificate is not trusted ({error.verify_message}). Correct it there, or name its "
                       "authority in CA Certificates of the target.", reached=False)
    except ssl.SSLError as error:
        made = Outcome(False, f"It ended the connection ({error.reason or error}). See whether it speaks TLS at that "
                       "port, and wants a Client Certificate of another authority.")
    except (ConnectionResetError, BrokenPipeError):
        made = Outcome(False, "It ended the connection before it had read what was sent. Its own log may say why.")
    except (NotRead, ValueError) as error:
        made = Outcome(False, str(error))
    except TimeoutError:
        made = Outcome(False, "It did not take what was sent in time. See what it is busy with.")
    except OSError as error:
        made = Outcome(False, f"The connection failed: {error.strerror or error}. See whether the receiver runs and "
                       "the network lets this machine there.")
    return replace(made, said=Redactor(target.secrets).text(legible(made.said, ANSWER_CHARACTERS)))


def _over_tcp(target: Target, messages: Sequence[bytes], allowed: Allowed) -> Outcome:
    place = place_of(target.address)
    with closing(connected(place.host, place.port, allowed, time.monotonic() + CONNECT_S)) as sock:
        send_and_close(sock, b"".join(map(lines.framed, messages)), whole=len(messages) == 1)
    return Outcome(True, "It read all of it and closed the connection.")


def _over_tls(target: Target, messages: Sequence[bytes], allowed: Allowed) -> Outcome:
    place, context = place_of(target.address), context_of(target)
    with closing(connected(place.host, place.port, allowed, time.monotonic() + CONNECT_S)) as plain, _secured(
            context, plain, place.host) as sock:
        spoken, cipher = sock.version(), sock.cipher()
        send_and_close(sock, b"".join(map(lines.framed, messages)), whole=len(messages) == 1)
    return Outcome(True, f"It read all of it over {spoken}{f' ({cipher[0]})' if cipher else ''} and closed the "
                   "connection.")


def _secured(context: ssl.SSLContext, plain: socket.socket, host: str) -> ssl.SSLSocket:
    """Raises NotRead, OSError."""
    plain.settimeout(CONNECT_S)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except TimeoutError:
        raise NotRead(f"It took the connection and did not begin with TLS within {CONNECT_S:g} s. See whether it "
                      "speaks TLS at that port, and what it is busy with.") from None


def _over_udp(target: Target, messages: Sequence[bytes], allowed: Allowed) -> Outcome:
    place = place_of(target.address)
    with closing(connected(place.host, place.port, allowed, time.monotonic() + CONNECT_S, socket.SOCK_DGRAM)) as sock:
        for message in messages:
            sock.send(message)
        # Where nobody listens, its machine says so a moment later.
        sock.settimeout(0.05)
        with suppress(TimeoutError):
            sock.recv(1)
    return Outcome(True, "It was sent. Nobody answers to UDP, so look whether it arrived.")


def _over_socket(target: Target, messages: Sequence[bytes], allowed: Allowed) -> Outcome:
    path, deadline = path_of(target.address), time.monotonic() + CONNECT_S
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(CONNECT_S)
        try:
            sock.connect(path)
        except OSError as error:
            return Outcome(False, f"{path} cannot be opened: {error.strerror}. See whether the collector of this "
                           "machine runs and reads that socket.", reached=False)
        for message in messages:
            sock.settimeout(max(LOOK_S, deadline - time.monotonic()))
            sock.send(message)
    return Outcome(True, "The collector of this machine has it.")


def _to_file(target: Target, messages: Sequence[bytes], allowed: Allowed) -> Outcome:
    """Opened each time: a file that was rotated is made anew. It is on disk once this returns."""
    path = path_of(target.address)
    try:
        opened = _opened(path)
    except OSError as error:
        why = "It is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        return Outcome(False, f"{path} cannot be written: {why}. Name a file in a directory that exists, in which the "
                       "account of Pairwise may write.", reached=False)
    with os.fdopen(opened, "r+b", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return Outcome(False, f"{path} is no regular file. Name another one.", reached=False)
        end = os.fstat(opened).st_size
        if not lines.begins_as_file(os.pread(opened, len(lines.FILE_BEGINS), 0)):
            return Outcome(False, f"{path} holds something else than entries of History, and stays as it is. Name "
                           "another file.", reached=False)
        # Whoever was killed, or met a full disk, has left a part of a line.
        torn = end and os.pread(opened, 1, end - 1) != b"\n"
        text = b"\n" * bool(torn) + b"".join(messages)
        if (count := file.write(text)) != len(text):
            return Outcome(False, f"Only {count} of {len(text)} bytes could be written to {path}: the disk is full. "
                           "Make room there.")
        os.fsync(opened)
    return Outcome(True, f"It is in {path}.")


def _opened(path: str) -> int:
    """Raises OSError."""
    # Whoever may make files there must not make Pairwise write into another one, or wait.
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        opened = os.open(path, flags | os.O_CREAT | os.O_EXCL, FILE_MODE)
    # Whatever the umask: a collector reads it by its group.
    os.fchmod(opened, FILE_MODE)
    return opened


def _over_http(target: Target, messages: Sequence[bytes], allowed: Allowed) -> Outcome:
    headers = {**AGENT_HEADERS, **({"Authorization": f"Splunk {target.token}"} if target.token else {})}
    context = context_of(target) if scheme_of(target.address) == "https" else None
    answer = post(target.address, b"".join(messages), headers, allowed, context)
    if answer.succeeded and (why := answers.why_not_taken(answer.said)):
        return Outcome(False, f"It answered {answer.status}, but {why}")
    # That of a redirect is said already.
    status = f"It answered {answer.status}: " if answer.status and not 300 <= answer.status < 400 else ""
    return Outcome(answer.succeeded, f"{status}{answer.said}".strip(), reached=answer.status is not None)


_WAYS: Mapping[str, Callable[[Target, Sequence[bytes], Allowed], Outcome]] = {
    "syslog+tls": _over_tls, "syslog+tcp": _over_tcp, "syslog+udp": _over_udp, "syslog+unix": _over_socket,
    "file": _to_file, "https": _over_http, "http": _over_http}
