"""Small Installation Packages and a console that serves them, with the faults a network has."""

import hashlib
import http.server
import io
import socket
import ssl
import tarfile
import threading
import time
from pathlib import Path

from protocol import auth

from .doubles import HOST, SECRET

DESCRIPTION = ('<?xml version="1.0"?><InstallationPackage FormatVersion="4.0"><Product><Release Version="{version}"/>'
               "</Product></InstallationPackage>")
LAUNCHER = '#!/bin/sh\nexec "$(cat "$(dirname "$0")/python.path")" -IS "$(dirname "$0")/lib/server.py" "$@"\n'
PROGRAM = """
import socket, signal, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
try:
    server = socket.create_connection((options["-host"], int(options["-port"])), 5)
except OSError:
    print("00-03000 There is no Configuration Server at " + options["-host"] + ":" + options["-port"])
    sys.exit(3)
if "-check" in sys.argv:
    server.settimeout(25)
    said = server.recv(100).decode()
    where = "The Configuration Server at " + options["-host"] + ":" + options["-port"]
    if said == "welcome":
        print(where + " knows " + options["-app"] + ": 1 listening ports.")
        sys.exit(0)
    print(where + " said: " + said)
    sys.exit(4)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
while True:
    signal.pause()
"""


def member(name: str, data: bytes = b"", *, mode: int = 0o644, kind: bytes = tarfile.REGTYPE, link: str = ""):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type, info.linkname = len(data), mode, kind, link
    return info, data


def files_of(version: str = "8.5.100.01", **more: bytes) -> dict[str, bytes]:
    return {"ip_description.xml": DESCRIPTION.format(version=version).encode(), "MessageServer": LAUNCHER.encode(),
            "lib/server.py": PROGRAM.encode(), **more}


def checksums(files: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()).encode()


def write_archive(path: Path, members) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return path


def build_package(path: Path, files: dict[str, bytes] | None = None, more=(), sums: bytes | None = None) -> Path:
    """A package of ``files`` with their checksums, and the odd members of ``more``."""
    files = files or files_of()
    members = [member(name, data, mode=0o755 if name == "MessageServer" else 0o644) for name, data in files.items()]
    members.append(member("checksums.sha256", sums if sums is not None else checksums(files)))
    return write_archive(path, [*members, *more])


def package_fields(path: Path) -> dict:
    data = path.read_bytes()
    return {"id": 1, "path": f"/packages/{path.name}", "filename": path.name, "version": "8.5.100.01",
            "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


class ConsoleDouble:
    """Serves ``files`` (path → bytes) to who signs as the test's host. ``cut_after``: bytes after which each of the
    next ``cuts`` answers breaks; ``hold``: set, an answer stops half way until it is cleared. With a ``context`` over
    HTTPS."""

    def __init__(self, context: ssl.SSLContext | None = None):
        self.files: dict[str, bytes] = {}
        self.ranges: list[str] = []
        self.refused = 0
        self.cuts, self.cut_after = 0, 1000
        self.failures = 0
        self.held = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        # A caller that does not trust this one hangs up; that is the test, not an error to print.
        self._server.handle_error = lambda *_: None
        self._server.daemon_threads = True
        self._scheme = "https" if context else "http"
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "ConsoleDouble":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def serve(self, path: Path) -> dict:
        fields = package_fields(path)
        self.files[fields["path"]] = path.read_bytes()
        return fields

    def _handler(self):
        console = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                console.answer(self)

            def log_message(self, *_):
                pass

        return Handler

    def refuse(self, request) -> None:
        request.send_response(403)
        request.send_header("Content-Type", "text/plain; charset=utf-8")
        request.end_headers()
        request.wfile.write(b"Set the clocks.\n")

    def answer(self, request) -> None:
        at = int(request.headers.get("X-Pairwise-At", "0"))
        expected = auth.request_headers(SECRET, host=HOST, method="GET", path=request.path, at=at)
        if abs(time.time() - at) > 60 or not expected.items() <= dict(request.headers).items():
            self.refused += 1
            return self.refuse(request)
        data = self.files.get(request.path)
        if data is None:
            return request.send_error(404)
        if self.failures:
            self.failures -= 1
            return request.send_error(503)
        self.ranges.append(request.headers.get("Range", ""))
        first = int(request.headers["Range"].removeprefix("bytes=").rstrip("-")) if request.headers.get("Range") else 0
        request.send_response(206 if first else 200)
        request.send_header("Content-Length", str(len(data) - first))
        request.end_headers()
        return self._send(request, data[first:])

    def _send(self, request, data: bytes) -> None:
        if not self.go_on.is_set():
            request.wfile.write(data[: len(data) // 2])
            request.wfile.flush()
            self.held.set()
            self.go_on.wait(30)
            data = data[len(data) // 2 :]
        if self.cuts:
            self.cuts -= 1
            request.wfile.write(data[: self.cut_after])
            request.wfile.flush()
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        request.wfile.write(data)


class ConfigurationServerDouble:
    """Answers each connection with ``answer``; with ``hold`` set it lets the caller wait."""

    def __init__(self, answer: bytes = b"welcome"):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.answer = answer
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._ending = False
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "ConfigurationServerDouble":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ending = True
        self.go_on.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._ending:
            connection, _ = self._socket.accept()
            with connection:
                self.asked.set()
                self.go_on.wait(30)
                try:
                    connection.sendall(self.answer)
                except OSError:
                    continue
