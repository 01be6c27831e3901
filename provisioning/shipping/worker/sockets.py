"""Connections to addresses that somebody typed, and the proof that what was sent over one was read.

A write that succeeded says only that the own kernel has it. So each batch has a connection of its own: once all is
written its sending half is closed, and the receiver, who has read it to its end, closes the other one. One that has
left something unread resets the connection instead, and one that closes first may have taken no more than a beginning.
"""

import os
import select
import socket
import ssl
import time

from protocol.said import legible
from provisioning.shipping.facts import Target

CLOSES_S = 10.0
"""So long a receiver has to read what it was sent and to close its half."""
FIRST_S = 0.2
"""So long it is watched whether it closes first."""
LOOK_S = 0.002
_CHUNK, _MOST_OF_TLS, _CLOSED = 4096, 65_536, 7
_SHOWN_CHARACTERS = 60


class NotRead(Exception):
    """Nobody knows whether it was read. The text is a sentence that says why."""


class Answers(NotRead):
    """Whoever answers is no receiver of syslog, and keeps nothing of what it was sent."""

    def __init__(self, said: bytes = b"") -> None:
        text = legible(said.decode(errors="replace").strip().partition("\n")[0].strip(), _SHOWN_CHARACTERS)
        super().__init__(f"It answered{f' “{text}”' if text else ''}, which no receiver of syslog does. See whether "
                         "the address names the right port.")


def context_of(target: Target) -> ssl.SSLContext:
    """Verifies the receiver by the target's CA, else by those of this machine; shows the target's certificate. Raises
    ValueError with a sentence."""
    context = ssl.create_default_context(cadata=target.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if target.certificate and target.key:
        # The library reads both from files only; this one is in memory.
        kept = os.memfd_create("shown")
        try:
            os.write(kept, f"{target.certificate.strip()}\n{target.key.strip()}\n".encode())
            context.load_cert_chain(f"/proc/self/fd/{kept}")
        except (ssl.SSLError, OSError) as error:
            raise ValueError(f"The Client Certificate of {target.name} cannot be used: {error}. Edit the target and "
                             "paste it and its key anew.") from None
        finally:
            os.close(kept)
    return context


def send_and_close(sock: socket.socket, text: bytes, *, whole: bool) -> None:
    """Send all of ``text`` and wait until the receiver closes the connection; ``sock`` is closed then, or its caller
    closes it. ``whole``: one that closes first has read it, as it is a single message. Raises NotRead, OSError."""
    deadline = time.monotonic() + CLOSES_S
    try:
        _send_all(sock, text, deadline)
        sock.settimeout(CLOSES_S)
        # To say over TLS that it was all is something to read, too, which one that closes first leaves unread.
        is_first = (not whole or isinstance(sock, ssl.SSLSocket)) and _closes_first(sock)
        if is_first and not whole:
            raise NotRead("It closed the connection before the end of what was sent, so the rest may not have been "
                          "read.")
        if not isinstance(sock, ssl.SSLSocket):
            _end(sock)
            return
        if not is_first:
            _end_tls(sock)
        # Only the connection below knows whether it was closed or reset.
        with socket.socket(fileno=os.dup(sock.fileno())) as below:
            came = _end(below, is_readable=False)
        if is_first:
            _require_silence(sock, came)
    except TimeoutError:
        raise NotRead(f"It took the connection and has not read what was sent within {CLOSES_S:g} s. See what it is "
                      "busy with.") from None


def _send_all(sock: socket.socket, text: bytes, deadline: float) -> None:
    """Within one time, also over TLS, where ``sendall`` takes it anew for each part. Raises TimeoutError, OSError."""
    left = memoryview(text)
    while left:
        sock.settimeout(max(LOOK_S, deadline - time.monotonic()))
        left = left[sock.send(left):]


def _require_silence(sock: ssl.SSLSocket, came: bytes) -> None:
    """``came``: what was read below TLS after all was sent. Whether there are words in it only TLS can say, and that
    answers an end that it does not expect: so it reads it where nobody is at the other end. Raises Answers."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(came)
        theirs.shutdown(socket.SHUT_WR)
        os.dup2(ours.fileno(), sock.fileno())
    try:
        said = sock.recv(_CHUNK)
    except OSError:
        return
    if said:
        raise Answers(said)


def _closes_first(sock: socket.socket) -> bool:
    """Nothing is read for it: TLS would answer an end that it does not expect, and that would be reset."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(FIRST_S * 1000))


def _end(sock: socket.socket, *, is_readable: bool = True) -> bytes:
    """Close the own half of a connection, wait for the other one, and see that neither was a reset: whoever had closed
    before all had arrived answers the rest so. What came meanwhile; ``is_readable``: it is no part of TLS, whose own
    words are few. Raises Answers, TimeoutError, OSError."""
    deadline = time.monotonic() + CLOSES_S
    _close_half(sock)
    sock.settimeout(CLOSES_S)
    came = b""
    while said := sock.recv(_CHUNK):
        came += said
        if is_readable or len(came) > _MOST_OF_TLS:
            raise Answers(said if is_readable else b"")
        sock.settimeout(max(LOOK_S, deadline - time.monotonic()))
    while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _CLOSED:
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(LOOK_S)
    if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))
    return came


def _close_half(sock: socket.socket) -> None:
    """Also below TLS. That it was closed already, or reset, is found by reading."""
    try:
        socket.socket.shutdown(sock, socket.SHUT_WR)
    except OSError:
        return


def _end_tls(sock: ssl.SSLSocket) -> None:
    """Say that this was all, and wait for the same of the other side; many only close the connection. Raises OSError
    for one that says what it does not like, a certificate for instance."""
    sock.setblocking(False)
    try:
        sock.unwrap()
    except ssl.SSLWantReadError:
        # It is told by both layers at once: whoever waits for one of them does not wait for ever.
        _close_half(sock)
    except ssl.SSLError as error:
        _require_only_closed(error)
        return
    sock.settimeout(CLOSES_S)
    try:
        sock.unwrap()
    except ssl.SSLError as error:
        _require_only_closed(error)
    except ValueError:
        # There was nothing left to wait for.
        return


def _require_only_closed(error: ssl.SSLError) -> None:
    """Raises ``error`` unless it says nothing else than that the connection ended; Answers where something else than
    that was said."""
    if error.reason == "APPLICATION_DATA_AFTER_CLOSE_NOTIFY":
        raise Answers
    if not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) and "EOF" not in str(error):
        raise error
