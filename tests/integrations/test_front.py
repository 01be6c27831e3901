"""What is missing at a real proxy is said by what asks through it (``check --deploy``), and at ours nothing is."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from console import connections, echo, front
from console.front_rules import faults
from provisioning.notifications.worker import post
from tests.ports import free_port
from tests.waiting import wait_for

from .guides import program
from .proxies import KINDS, Nginx

pytestmark = pytest.mark.long
HOST, PROTO = "proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-Proto https;"
ADDRESS, LARGE = "proxy_set_header X-Forwarded-For $remote_addr;", "client_max_body_size 513m;"
PROXY = "127.0.0.1"


async def nothing(scope, receive, send):
    """What is behind the echo in a web process that is ready."""
    status = 200 if scope["path"] == "/readyz" else 404
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@contextlib.contextmanager
def web_process(port: int, **tls: str):
    """As console.web has uvicorn, without what is behind the echo."""
    server = uvicorn.Server(uvicorn.Config(
        echo.Echo(nothing), host="127.0.0.1", port=port, lifespan="off", ws="none", http=connections.Http,
        proxy_headers=True, forwarded_allow_ips=[PROXY], log_config=None, **tls))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    try:
        wait_for(lambda: server.started, 20, "the web process listens")
        yield server
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(echo, "LATE_S", 0.2)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """An nginx as its page says."""
    if not program(Nginx.program):
        pytest.skip("there is no nginx")
    ports = [free_port(), free_port()]
    with contextlib.ExitStack() as stack:
        for port in ports:
            stack.enter_context(web_process(port))
        made = Nginx(tmp_path_factory.mktemp("nginx"), ports).start()
        stack.callback(made.end)
        made.good = made.file.read_text()
        yield made


@pytest.fixture
def become(proxy):
    """Has nginx run with other texts in place of some of its page."""

    def changed(text: str) -> None:
        proxy.end()
        proxy.file.write_text(text)
        proxy.start()

    def become(*pairs: tuple[str, str]) -> None:
        text = proxy.good
        for said, instead in pairs:
            assert said in text
            text = text.replace(said, instead)
        changed(text)

    yield become
    changed(proxy.good)


@pytest.fixture
def behind(settings, monkeypatch):
    """Settings of the console behind a proxy."""

    def behind(proxy):
        settings.PAIRWISE_TRUSTED_PROXIES, settings.PAIRWISE_CONSOLE_URL = [PROXY], f"https://localhost:{proxy.port}"
        settings.PAIRWISE_HTTPS = "PAIRWISE_HTTPS" in proxy.settings()
        settings.PAIRWISE_WEB_TLS, settings.PAIRWISE_TLS_CA = not settings.PAIRWISE_HTTPS, str(proxy.authority)
        if settings.PAIRWISE_HTTPS:
            monkeypatch.setenv("SSL_CERT_FILE", str(proxy.authority))
        return settings

    return behind


@pytest.fixture
def console(behind, proxy):
    return behind(proxy)


def checked() -> list[tuple[str, str]]:
    """(number, sentence) of each."""
    return [(found.id.partition(".")[2], found.msg) for found in front.found_in_front()]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_of_what_our_pages_and_the_compose_file_say_nothing_is_missing(kind, tmp_path, behind):
    if not program(kind.program):
        pytest.skip(f"there is no {kind.program}")
    made = kind(tmp_path, [free_port(), free_port()])
    console = behind(made)
    tls = {"ssl_certfile": str(made.certificate), "ssl_keyfile": str(made.key)} if console.PAIRWISE_WEB_TLS else {}
    assert "warn" not in made.check().lower()
    with contextlib.ExitStack() as stack:
        for port in made.backends:
            stack.enter_context(web_process(port, **tls))
        stack.callback(made.start().end)
        assert checked() == []


@pytest.mark.parametrize(("said", "instead", "ident", "sentence"), [
    (HOST, "", "E038", "told the name pairwise: the proxy in front does not pass on the header Host"),
    (HOST, "proxy_set_header Host $host;", "E038", "told the name localhost:"),
    (PROTO, 'proxy_set_header X-Forwarded-Proto "";', "E039", "does not send X-Forwarded-Proto"),
    (PROTO, "", "E039", "passes on the X-Forwarded-Proto of whoever asks"),
    (ADDRESS, 'proxy_set_header X-Forwarded-For "";', "E040", "does not send X-Forwarded-For"),
    (ADDRESS, "", "E040", "passes on the X-Forwarded-For of whoever asks"),
    (LARGE, "", "W024", "(413)"),
    (LARGE, f"{LARGE} proxy_ignore_headers X-Accel-Buffering;", "W025", "keeps streams until they end")])
def test_what_it_leaves_out_is_named(console, become, said, instead, ident, sentence):
    become((said, instead))
    [(number, told)] = checked()
    assert (number, sentence in told) == (ident, True), told


def test_a_proxy_that_gives_up_before_a_late_answer_comes_is_named(console, become, monkeypatch):
    monkeypatch.setattr(echo, "LATE_S", 5.0)
    become(("proxy_read_timeout 120s;", "proxy_read_timeout 3s;"))
    [(number, told)] = checked()
    assert (number, "gave up" in told) == ("W028", True), told
    # Later than whatever else is asked by the same means is waited for.
    monkeypatch.setattr(echo, "LATE_S", 1.0)
    monkeypatch.setattr(post, "WHOLE_S", 0.5)
    assert checked() == []


@pytest.mark.parametrize("changes", [
    [(ADDRESS, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;")],
    [("proxy_request_buffering off;", "")]])
def test_what_does_no_harm_is_left_alone(console, become, changes):
    become(*changes)
    assert checked() == []


def test_a_proxy_that_no_setting_names_is_named(console):
    console.PAIRWISE_TRUSTED_PROXIES = ["10.9.9.9"]
    [(number, told)] = checked()
    assert (number, "passed on by 127.0.0.1" in told) == ("E040", True)


@pytest.mark.parametrize(("url", "why"), [
    ("https://localhost:1", "cannot be reached"), ("https://nowhere.invalid", "is not known"),
    ("http://localhost:{plain}", "leads to https://localhost")])
def test_where_nobody_can_be_asked_it_says_why(console, proxy, url, why):
    console.PAIRWISE_CONSOLE_URL = url.format(plain=proxy.plain_port)
    [(number, told)] = checked()
    assert (number, why in told) == ("W023", True), told


def test_a_certificate_that_is_not_trusted_here_is_told(console, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    [(number, told)] = checked()
    assert (number, "its certificate is not trusted here" in told) == ("W023", True), told


def test_another_console_is_told_from_this_one(console, monkeypatch):
    monkeypatch.setattr(echo, "proof", lambda key, now: f"{now:.0f}.of-another-console")
    [(number, told)] = checked()
    assert (number, "does not know this console's key" in told) == ("W023", True), told


def test_a_proxy_that_reaches_no_web_process_is_told(console, become, proxy):
    become(*((f"127.0.0.1:{port}", "127.0.0.1:1") for port in proxy.backends))
    [(number, told)] = checked()
    assert (number, "answers 502: it reaches no web process" in told) == ("W023", True), told


def test_whoever_keeps_the_line_without_a_word_is_given_up(monkeypatch):
    monkeypatch.setattr(front, "WHOLE_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        asked = front.ask(f"http://localhost:{silent.getsockname()[1]}")
        assert time.monotonic() - began < 10
    [fault] = faults(asked, behind_one=True)
    assert "no whole answer" in fault.what
