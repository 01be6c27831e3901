"""Collectors of audit logs on loopback: real sockets, and what they do with a connection is chosen by the test."""

import contextlib
import re
import socket
import ssl
import threading

NUMBER = re.compile(rb' number="([0-9]+)"')


def read_all(connection):
    """To the end of the connection: the messages of it."""
    return frames(b"".join(iter(lambda: connection.recv(4096), b"")))


def one_then_close(connection):
    """One message, and the connection is closed with whatever else is there."""
    length = b"".join(iter(lambda: connection.recv(1), b" "))
    text = b""
    while len(text) < int(length):
        text += connection.recv(int(length) - len(text))
    return [text]


def a_gulp_then_close(connection):
    """Takes what is there at once, and keeps one message of it."""
    return frames(connection.recv(1_000_000))[:1]


def close_at_once(connection):
    return []


def answers_at_once(connection):
    """Something else than syslog listens there: it takes what comes, says so, and ends the connection."""
    connection.recv(1_000_000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    return []


def answers_at_the_end(connection):
    while connection.recv(4096):
        pass
    connection.sendall(b"220 at your service\r\n")
    return []


def frames(data):
    """Messages with their length in front, as far as they are whole."""
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        if not length.isdigit() or len(rest) < int(length):
            break
        found.append(rest[:int(length)])
        data = rest[int(length):]
    return found


class Collector:
    """``does`` with each connection in turn, the last one from then on; ``got``: messages, ``peers``: certificates that
    were shown. ``tls``: its context."""

    def __init__(self, *does, tls=None, port=0):
        self.got, self.peers, self.connections, self.ended = [], [], 0, threading.Event()
        self._does, self._tls = list(does) or [read_all], tls
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.address = f"syslog+{'tls' if tls else 'tcp'}://127.0.0.1:{self.port}"
        self._open = set()

    @property
    def numbers(self):
        return [int(NUMBER.search(text)[1]) for text in self.got]

    def __enter__(self):
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self._thread.join()
        self._listener.close()
        for connection in list(self._open):
            connection.close()

    def _accept(self):
        while not self.ended.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                connection.settimeout(10)
                self.connections += 1
                does = self._does.pop(0) if len(self._does) > 1 else self._does[0]
                threading.Thread(target=self._serve, args=(connection, does), daemon=True).start()

    def _serve(self, connection, does):
        self._open.add(connection)
        with contextlib.suppress(OSError), connection:
            if self._tls is None:
                self.got += does(connection)
                return
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                if self._tls.verify_mode == ssl.CERT_REQUIRED:
                    self.peers.append(secured.getpeercert())
                self.got += does(secured)

    def hang(self, connection):
        """Takes the connection and reads nothing."""
        self.ended.wait(20)
        return []


def tls_of(certificates, *names, asks=False):
    """A context of a server; ``asks``: for a certificate of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.issue(*names))
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.authority)
    return context
