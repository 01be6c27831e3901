"""A page in Chromium at the port for browsers of a Message Server, with @stomp/stompjs."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.messageserver.conftest import ServerProcess, application
from tests.messageserver.control_double import ControlDouble
from tests.messageserver.test_stompjs import LIBRARY
from tests.ports import free_port

TALK = """([address, passcode]) => new Promise(done => {
  const client = new StompJs.Client({brokerURL: address, reconnectDelay: 0,
    connectHeaders: {login: "bench", passcode},
    onConnect: () => {
      client.subscribe("/topic/a", message => { client.deactivate(); done(message.body); });
      client.publish({destination: "/topic/a", body: "Grüße"});
    },
    onStompError: frame => done(frame.headers.message), onWebSocketError: () => done("no WebSocket")});
  client.activate();
})"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def pages(tmp_path):
    """The port of a web server with an empty page. (A page that comes from nowhere may not reach this machine.)"""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/page.html").write_text("<!DOCTYPE html><title>A page</title>")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "pages")) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield web.server_port
        web.shutdown()
        thread.join()


@pytest.fixture
def server(tmp_path):
    port = free_port()
    body = application(port)
    body["ports"][0]["protocol"] = "stomp-ws"
    with ControlDouble(body) as control, ServerProcess(tmp_path / "server", control, port=port) as started:
        yield started.serving()


def test_a_page_of_the_same_host_sends_and_receives_and_another_one_does_not_connect(chromium, pages, server):
    context = chromium.new_context()
    page = context.new_page()
    address = f"ws://127.0.0.1:{server.port}"
    page.goto(f"http://127.0.0.1:{pages}/page.html")
    page.add_script_tag(path=str(LIBRARY))
    assert page.evaluate(TALK, [address, "benchpass"]) == "Grüße"
    assert "passcode is wrong" in page.evaluate(TALK, [address, "another"])
    page.goto(f"http://localhost:{pages}/page.html")
    page.add_script_tag(path=str(LIBRARY))
    assert page.evaluate(TALK, [address, "benchpass"]) == "no WebSocket"
    assert f"http://localhost:{pages}' may not connect" in server.output
    context.close()
