"""Receivers on loopback: a web server whose answers the test chooses, and a mail server."""

import contextlib
import http.server
import socketserver
import threading


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Peers of tests leave in the middle."""


class Receiver:
    """Serves in the block, in a thread; ``ended`` is set when it stops."""

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


class WebReceiver(Receiver):
    """``answers``: what is done with each request in turn, the last one from then on; ``got`` (path, headers, body)."""

    def __init__(self, *answers, tls=None, host="127.0.0.1"):
        self.got, self.ended = [], threading.Event()
        self._answers = list(answers) or [answering(200, b"Thanks.")]
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def setup(self):
                if tls is not None:
                    self.request = tls.wrap_socket(self.request, server_side=True)
                super().setup()

            def finish(self):
                super().finish()
                if tls is not None:
                    self.request.close()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                receiver.got.append((self.path, dict(self.headers), body))
                answers = receiver._answers
                with contextlib.suppress(OSError):
                    (answers.pop(0) if len(answers) > 1 else answers[0])(self, receiver)

            def log_message(self, *args):
                pass

        self._server = Server((host, 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://{host}:{self.port}/hook?a=b"


def answering(status, body=b"", **headers):
    def answer(request, receiver):
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)
    return answer


def hanging(request, receiver):
    """Takes the request and says nothing."""
    receiver.ended.wait(20)


def dripping(request, receiver):
    """Says a byte of the headers now and then, for ever."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not receiver.ended.wait(0.02):
        request.wfile.write(b"x")


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """As above."""


class MailReceiver(Receiver):
    """Takes mail for everybody but nobody@…; ``got`` (sender, recipients, lines)."""

    def __init__(self, *, greeting=b"220 mail.example.com ESMTP\r\n", drips=False, tls=None, starttls=None):
        self.got, self.ended, self.secured = [], threading.Event(), 0
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def setup(self):
                if tls is not None:
                    self.request = tls.wrap_socket(self.request, server_side=True)
                super().setup()

            def finish(self):
                super().finish()
                self.request.close()

            def secure(self):
                self.wfile.write(b"220 Go on\r\n")
                super().finish()
                self.request = starttls.wrap_socket(self.request, server_side=True)
                super().setup()
                receiver.secured += 1

            def handle(self):
                if drips:
                    self.wfile.write(b"220 ")
                    with contextlib.suppress(OSError):
                        while not receiver.ended.wait(0.02):
                            self.wfile.write(b"x")
                    return
                self.wfile.write(greeting)
                sender, recipients = "", []
                while line := self.rfile.readline().decode().strip():
                    verb = line[:4].upper()
                    if verb in ("EHLO", "HELO"):
                        offers = b"250-mail.example.com\r\n250 STARTTLS\r\n"
                        self.wfile.write(offers if starttls else b"250 mail.example.com\r\n")
                    elif verb == "STAR":
                        self.secure()
                    elif verb == "MAIL":
                        sender = line.split(":", 1)[1].split(">")[0].strip(" <")
                        self.wfile.write(b"250 OK\r\n")
                    elif verb == "RCPT":
                        to = line.split(":", 1)[1].strip(" <>")
                        refused = to.startswith("nobody@")
                        recipients += [] if refused else [to]
                        self.wfile.write(b"550 No such user\r\n" if refused else b"250 OK\r\n")
                    elif verb == "DATA":
                        self.wfile.write(b"354 Go on\r\n")
                        lines = []
                        while (text := self.rfile.readline()) != b".\r\n":
                            lines.append(text)
                        receiver.got.append((sender, recipients, b"".join(lines)))
                        self.wfile.write(b"250 Taken\r\n")
                    else:
                        self.wfile.write(b"221 Bye\r\n" if verb == "QUIT" else b"250 OK\r\n")

        self._server = MailServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"smtp://127.0.0.1:{self.port}"
