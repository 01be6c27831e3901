"""Connections to addresses that somebody typed, and the proof that what was sent over one was read.

A write that succeeded says only that the own kernel has it. So each batch has a connection of its own: once all is
written its sending half is closed, and the receiver, who has read it to its end, closes the other one. One that has
left something unread resets the connection instead, and one that closes first may have taken no more than a beginning.
"""

import os
import socket
import ssl
import time

from provisioning.shipping.facts import Target

CLOSES_S = 10.0
"""So long a receiver has to read what it was sent and to close its half."""
FIRST_S = 0.2
"""So long it is watched whether it closes first."""
_CHUNK = 4096


class NotRead(Exception):
    """Nobody knows whether it was read. The text is a sentence that says why."""


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
    """Send all of ``text`` and wait until the receiver closes the connection; the caller closes ``sock``. ``whole``:
    one that closes first has read it, as it is a single message. Raises NotRead, OSError."""
    try:
        sock.settimeout(CLOSES_S)
        sock.sendall(text)
        if not whole and _closes_first(sock):
            raise NotRead("It closed the connection before the end of what was sent, so the rest may not have been "
                          "read.")
        _end(sock)
    except TimeoutError:
        raise NotRead(f"It took the connection and has not read what was sent within {CLOSES_S:g} s. See what it is "
                      "busy with.") from None


def _closes_first(sock: socket.socket) -> bool:
    deadline = time.monotonic() + FIRST_S
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            if not sock.recv(_CHUNK):
                return True
        except TimeoutError:
            break
    return False


def _end(sock: socket.socket) -> None:
    """Say that this was all, and wait for the same of the other side. Raises OSError."""
    if isinstance(sock, ssl.SSLSocket) and not _end_tls(sock):
        # Only the connection below knows then whether it was closed or reset.
        with socket.socket(fileno=sock.detach()) as below:
            below.settimeout(CLOSES_S)
            _read_to_end(below)
        return
    if not isinstance(sock, ssl.SSLSocket):
        sock.shutdown(socket.SHUT_WR)
    sock.settimeout(CLOSES_S)
    _read_to_end(sock)


def _read_to_end(sock: socket.socket) -> None:
    deadline = time.monotonic() + CLOSES_S
    while sock.recv(_CHUNK):
        sock.settimeout(max(0.01, deadline - time.monotonic()))


def _end_tls(sock: ssl.SSLSocket) -> bool:
    """Whether the other side ended TLS, too; many only close the connection. Raises OSError for one that says what it
    does not like, a certificate for instance."""
    sock.setblocking(False)
    try:
        sock.unwrap()
    except ssl.SSLWantReadError:
        # It is told by both layers at once: whoever waits for one of them does not wait for ever.
        socket.socket.shutdown(sock, socket.SHUT_WR)
        sock.settimeout(CLOSES_S)
        return _unwrapped(sock)
    except ssl.SSLError as error:
        return _only_closed(error)
    socket.socket.shutdown(sock, socket.SHUT_WR)
    return True


def _unwrapped(sock: ssl.SSLSocket) -> bool:
    try:
        sock.unwrap()
    except ssl.SSLError as error:
        return _only_closed(error)
    return True


def _only_closed(error: ssl.SSLError) -> bool:
    """False; raises ``error`` unless it says nothing else than that the connection ended."""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or "EOF" in str(error):
        return False
    raise error
