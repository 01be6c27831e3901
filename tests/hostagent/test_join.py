"""The join program towards what answers in the console's place, and how it hands over to the second half."""

import hashlib
import http.server
import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hostagent import join, packaged

ROOT = Path(join.__file__).resolve().parents[1]
GOES_ON = """
import sys
from pathlib import Path
from hostagent.join import go_on
go_on(Path(sys.argv[1]), {"ca": "x" * 400_000})
"""


@pytest.fixture
def other():
    """A server that answers each request as its ``answer`` does, and keeps what it was asked with."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, self.headers.get("Authorization")))
            self.server.answer(self)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_nobody_that_the_console_is_said_to_be_at_is_told_the_token(other, code):
    """A proxy that has people sign in first sends everybody to another server."""

    def elsewhere(request):
        request.send_response(code)
        request.send_header("Location", f"{other.url}/sign-in")
        request.send_header("Content-Type", "text/plain")
        request.end_headers()

    other.answer = elsewhere
    for ask in (lambda console: console.get("/join/bundle"), lambda console: console.report("machine", "running", "")):
        with pytest.raises(join.Unreached, match="open the console by an address that leads to itself"):
            ask(join.Console(other.url, "token"))
    assert [path for path, _ in other.asked] == ["/join/bundle", "/join/stage"]


def test_an_answer_without_an_end_ends(other, monkeypatch):
    monkeypatch.setattr(join, "ANSWER_BYTES", 10_000)

    def long(request):
        request.send_response(200)
        request.end_headers()
        request.wfile.write(b"x" * 10_001)

    other.answer = long
    with pytest.raises(join.Unreached, match="does not say"):
        join.Console(other.url, "token").get("/join/bundle")


def test_as_many_authorities_as_a_system_trusts_are_handed_over(tmp_path):
    program = tmp_path / "enrol.py"
    program.write_text("import json, sys; print(len(json.load(sys.stdin)['ca']))")
    done = subprocess.run([sys.executable, "-c", GOES_ON, program], stdin=subprocess.DEVNULL, cwd=ROOT,
                          capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("400000\n", "")


@pytest.mark.parametrize("at_a_terminal", [True, False])
def test_somebody_at_a_terminal_is_asked_for_the_token_and_does_not_show_it(monkeypatch, at_a_terminal):
    given, asked = io.StringIO("token\n"), []
    given.isatty = lambda: at_a_terminal
    monkeypatch.setattr(sys, "stdin", given)
    monkeypatch.setattr(packaged.getpass, "getpass", lambda prompt: asked.append(prompt) or "token")
    monkeypatch.setattr(packaged, "join_console", lambda *words: asked.append(words))
    assert packaged.main(["join", "--console", "https://console"]) == 0
    assert asked == ["Token: "] * at_a_terminal + [("https://console", "token", None, "")]


@pytest.mark.parametrize("verb", [("settle",), ("leave",), ("join", "--console", "http://127.0.0.1:9")])
@pytest.mark.parametrize(("error", "code", "said"), [
    (join.Stop("Do this."), 1, "Do this."),
    (KeyboardInterrupt(), join.INTERRUPTED, "Nothing more was done. Run the command again."),
    (subprocess.TimeoutExpired("systemctl", 60), 1, "did not expect (TimeoutExpired:")], ids=["stop", "ctrl-c", "else"])
def test_whatever_ends_a_command_of_the_package_is_a_sentence(monkeypatch, capsys, verb, error, code, said):
    def ends(*_):
        raise error

    monkeypatch.setattr(packaged, "read_config", lambda directory: {})
    for name in ("join_console", "start", "remove"):
        monkeypatch.setattr(packaged, name, ends)
    monkeypatch.setattr(sys, "stdin", io.StringIO("token"))
    assert packaged.main(verb) == code
    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


PROMISED = b'BUNDLE = {"ca": "PEM of control", "console_ca": ""}\n'


def serves(program):
    def answer(request):
        request.send_response(200)
        request.end_headers()
        request.wfile.write(program)

    return answer


def test_a_package_takes_the_authorities_from_the_program_that_the_page_names_and_tells_nobody_else_anything(other):
    other.answer = serves(PROMISED)
    assert packaged.promised(other.url, hashlib.sha256(PROMISED).hexdigest().upper()) == PROMISED
    other.answer = serves(PROMISED.replace(b"control", b"somebody else's"))
    with pytest.raises(join.Stop, match="is not the console that --sha256 names"):
        packaged.join_console(other.url, "token", None, hashlib.sha256(PROMISED).hexdigest())
    assert other.asked == [("/join/program", None)] * 2


@pytest.mark.parametrize("url", ["http://192.0.2.1:8000", "http://console.example.com", "console.example.com:8000", ""])
def test_a_package_takes_nothing_from_who_proves_nothing(url):
    with pytest.raises(join.Stop, match="Plain HTTP proves nobody"):
        packaged.join_console(url, "token", None, "")


def test_on_the_consoles_own_machine_there_is_nobody_between(other):
    other.answer = serves(PROMISED)
    assert packaged.verified(other.url, "") == PROMISED
    assert other.asked == [("/join/program", None)]
