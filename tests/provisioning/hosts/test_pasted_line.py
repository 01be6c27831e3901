"""The pasted line answers whatever stands in its way in one sentence that says what to do, and ends with an error."""

import contextlib
import errno
import hashlib
import http.server
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from hostagent import bundle, join
from protocol import joining
from provisioning.hosts.rules import line
from tests.certificates import Certificates
from tests.ports import free_port
from tests.sources import ROOT

TOKEN = "a-token-of-one-hour"
ABOUT = {**bundle.archive({})[1], "ca": "", "console_ca": ""}


class Answers(http.server.BaseHTTPRequestHandler):
    """Says ``server.answer`` (status, kind, body) to everybody and keeps what was asked."""

    def do_GET(self):
        self.server.heard.append(f"{self.path} {self.headers.get('Authorization', '')}")
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.answer is None:
            return
        status, kind, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def console(answer=None, certificate=None):
    """(address, what it was asked) of a server that answers so; with (certificate, key) over TLS."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.answer, server.heard, server.handle_error = answer, [], lambda *_: None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}", server.heard
        finally:
            server.shutdown()
            thread.join()


def said(done, code=1):
    """The one sentence that was said as an error."""
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stderr
    [sentence] = done.stderr.strip().splitlines()
    assert TOKEN not in sentence
    return sentence


def pasted(url, program=b""):
    words = f"echo {TOKEN} | {line.command(url=url, sha256=hashlib.sha256(program).hexdigest())}"
    # Whoever waits for a name service waits for this one second.
    return subprocess.run(["sh", "-c", words.replace("python3", sys.executable, 1)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False,
                          env={"RES_OPTIONS": "timeout:1 attempts:1"})


# --- before there is a program


def test_the_line_is_one_word_for_any_shell():
    words = line.command(url="https://[2001:db8::1]:8000", sha256="0" * 64)
    assert not set(words) & set("`$!\\\n")
    assert words.count('"') == 2
    assert len(words) < 4000, "a terminal without line editing takes no longer line"


def test_a_name_that_does_not_resolve():
    assert said(pasted("http://console.invalid:8000")) == (
        f"The console at http://console.invalid:8000 {joining.PROGRAM['gaierror']}")


def test_nobody_listens():
    url = f"http://127.0.0.1:{free_port()}"
    assert said(pasted(url)) == f"The console at {url} {joining.PROGRAM['ConnectionRefusedError']}"


def test_an_answer_that_does_not_come(monkeypatch):
    monkeypatch.setattr(line, "WAITS_S", 0.5)
    with socket_that_is_silent() as port:
        assert "does not answer. See whether" in said(pasted(f"http://127.0.0.1:{port}"))


@contextlib.contextmanager
def socket_that_is_silent():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_does_not_speak_tls():
    with console((200, "text/plain", b"x")) as (url, _):
        assert "cannot be reached ([SSL" in said(pasted(url.replace("http", "https")))


def test_a_line_that_is_cut():
    with console(None) as (url, _):
        assert "cannot be reached (Remote end closed connection without response)" in said(pasted(url))


def test_a_proxy_that_does_not_reach_the_console():
    with console((502, "text/html", b"<html>Bad Gateway</html>")) as (url, _):
        assert "answers HTTP Error 502: Bad Gateway. Look whether" in said(pasted(url))


def test_a_page_instead_of_the_program():
    with console((200, "text/html", b"<html>Sign in</html>")) as (url, _):
        assert said(pasted(url)) == line.OTHER_PROGRAM


@pytest.mark.parametrize(("program", "code", "sentence"), [
    (b"a := 1 newer", 1, "needs Python 3.11 or newer here. Install one"),
    (b"import no_such_part", 1, "needs the whole of Python 3.11 or newer here (No module named 'no_such_part')"),
    (b"raise KeyboardInterrupt", 130, "was not waited for")])
def test_a_program_that_this_python_cannot_read(program, code, sentence):
    with console((200, "text/x-python", program)) as (url, _):
        assert sentence in said(pasted(url, program), code)


def test_the_program_of_a_certificate_that_nobody_knows_is_fetched_and_checked(tmp_path):
    certificates = Certificates(tmp_path)
    with console((200, "text/x-python", b"print('It runs.')"), certificates.issue("elsewhere")) as (url, heard):
        done = pasted(url, b"print('It runs.')")
        assert (done.stdout, heard) == ("It runs.\n", ["/join/program "])


# --- the program


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("authority"))


def joined(url, directory, **about):
    """What the program says that is told of this console."""
    program = directory / "program.py"
    program.write_bytes(bundle.join_program({**ABOUT, **about}))
    words = [sys.executable, "-I", str(program), "--console", url, "--directory", str(directory / "agent")]
    return subprocess.run(words, input=f"{TOKEN}\n", capture_output=True, text=True, timeout=60, check=False)


def welcome(**more):
    return 200, "application/json", json.dumps({"host": "alpha", "now": time.time(), "within_s": 300, **more}).encode()


@pytest.mark.parametrize(("names", "days", "knows", "says"), [
    (["127.0.0.1"], -1, True, "shows a certificate that has expired by the clock of this machine, which says 20"),
    (["127.0.0.1"], 500, True, "shows a certificate that is not valid yet by the clock of this machine, which says 20"),
    (["elsewhere"], 100, True, "its certificate is not for that name ("),
    (["127.0.0.1"], 100, False, "shows a certificate of an authority that this machine does not trust ("),
])
def test_a_certificate_that_proves_nothing_is_told_and_the_token_is_not(
        certificates, tmp_path, names, days, knows, says):
    authority = certificates.authority.read_text() if knows else ""
    with console(welcome(), certificates.issue(*names, days=days)) as (url, heard):
        assert says in said(joined(url, tmp_path, console_ca=authority))
    assert heard == []


def test_another_authority_than_the_consoles_own(certificates, tmp_path):
    (tmp_path / "own").mkdir()
    own = Certificates(tmp_path / "own").authority.read_text()
    with console(welcome(), certificates.issue("127.0.0.1")) as (url, heard):
        assert "its certificate is not from the console's own authority (" in said(
            joined(url, tmp_path, console_ca=own))
    assert heard == []


@pytest.mark.parametrize(("answer", "says"), [
    ((502, "text/html", b"<html>"), "answers HTTP Error 502: Bad Gateway. Look whether"),
    ((200, "text/html", b"<html>"), "answered with something that the console does not say."),
    ((200, "application/json", b"[]"), "answered with something that the console does not say."),
    ((403, "text/plain", b"The token expired at 10:00:00 UTC. Make a new line.\n"),
     "The token expired at 10:00:00 UTC. Make a new line."),
    (None, "cannot be reached (Remote end closed connection without response)."),
    (welcome(now="soon"), "Something went wrong that Pairwise did not expect (TypeError"),
])
def test_what_answers_in_the_consoles_place_or_refuses(tmp_path, answer, says):
    with console(answer) as (url, _):
        assert says in said(joined(url, tmp_path))


@pytest.mark.parametrize(("ahead_s", "says"), [(36000, "10 hours behind"), (-36000, "10 hours ahead of"),
                                               (-5400, r"5[34]\d\d s ahead of")])
def test_a_wrong_clock_is_told_before_the_token_is_used_up(tmp_path, ahead_s, says):
    with console(welcome(now=time.time() + ahead_s)) as (url, heard):
        sentence = said(joined(url, tmp_path))
    assert re.search(f"The clock of this machine is {says} that of the console", sentence)
    assert {each.split()[0] for each in heard} == {"/join/stage"}
    assert not (tmp_path / "agent").exists()


def test_a_console_that_went_away_after_the_line_was_fetched(tmp_path):
    assert joining.PROGRAM["ConnectionRefusedError"] in said(joined(f"http://127.0.0.1:{free_port()}", tmp_path))


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "agent").write_text("a file")
    with console(welcome()) as (url, _):
        sentence = said(joined(url, tmp_path))
    assert sentence.startswith("Machine failed: [Errno ")
    assert "add --directory with another one" in sentence


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR])
def test_what_helps_against_an_error_of_the_disk_is_said(number):
    class Told(join.Console):
        def report(self, stage, state, text):
            self.told = text

    told = Told("http://127.0.0.1:9", TOKEN)
    with pytest.raises(join.Stop) as stopped, join.stage(told, "unpack", "Unpacked"):
        raise OSError(number, "It broke", "/opt/pairwise-agent")
    assert str(stopped.value) == told.told
    assert told.told.endswith(joining.DISK[errno.errorcode[number]])


# --- the document


def test_every_sentence_is_in_the_document():
    table = (ROOT / "docs" / "hosts.md").read_text().split("## When a stage fails")[1]
    told = re.findall(r"`([^`]+)`", table)
    sentences = [text.format("HTTP Error 502", "why", "when") for text in (
        *joining.PROGRAM.values(), *joining.DISK.values(), line.OTHER_PROGRAM)]
    assert [each for each in sentences if not any(words in each for words in told)] == []
