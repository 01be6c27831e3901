"""What a Message Server sends to its output ``network`` by itself: log records of a pair, kept until they are taken."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from messageserver.log import Level, Log
from messageserver.network import Network
from protocol import log_logins
from protocol.log_queue import FILE, LogQueue
from provisioning.logs.facts import milliseconds
from tests.ports import free_port
from tests.waiting import wait_for

from .conftest import ServerProcess, application
from .control_double import SECRET, ControlDouble

LOG = "MS_Log"
READER = {"login": log_logins.READER, "passcode": log_logins.passcode(SECRET, log_logins.READER)}

pytestmark = pytest.mark.scenario


def log_to(port, name="MS_Primary"):
    """As control says it."""
    login = log_logins.server(name)
    return {"name": LOG, "login": login, "members": [
        {"name": LOG, "addresses": ["127.0.0.1"], "port": port, "secured": False,
         "passcode": log_logins.passcode(SECRET, login)}]}


@pytest.fixture
def log_server(tmp_path):
    """A Message Server that takes log records; its own go nowhere."""
    port = free_port()
    said = application(port, name=LOG, options={"log": {"verbose": "trace", "all": "stdout"}})
    with (ControlDouble(said) as control,
          ServerProcess(tmp_path / "log_server", control, port=port, app=LOG) as server):
        yield server.serving()


def records(server, text, times=1):
    """The log records that ``server`` has, up to the one that says ``text`` for so many ``times``."""
    found = []
    with server.client(**READER) as reader:
        reader.wait_s = 15
        reader.subscribe("/log/*", from_seq="1")
        while sum(text in each for each in texts(found)) < times:
            found.append(reader.expect("MESSAGE"))
    return found


def texts(found):
    return [message.body.decode() for message in found]


def test_its_events_and_traces_are_records_of_its_own(log_server, start_server):
    server = start_server(log_to=log_to(log_server.port))
    with server.client():
        found = records(log_server, "bench at 127.0.0.1")
    first, last = found[0].headers, found[-1].headers
    assert (first["event"], first["destination"], first["application"], first["type"], first["host"]) == (
        "00-05060", "/log/standard", "MS_Primary", "Message Server", "localhost")
    assert (last["event"], last["destination"]) == ("00-04520", "/log/trace")
    event = server.control.wait_event(5060)
    assert (event.once, int(event.at * 1000)) == (first["dedup-id"], int(first["time"]))


def test_an_event_has_the_very_time_of_its_record(tmp_path):
    """Alarms know both as the same by it; else they would count twice."""
    settings = SimpleNamespace(name="MS", host="alpha", ports=(), log={"ms-buffer-size": "200"}, log_to=log_to(1))
    events, log = [], Log()
    network = Network(tmp_path, SimpleNamespace(add_event=events.append), None, log, settings)
    network.configure(settings)
    log.network(5094, Level.STANDARD, "It cannot store.", 1_790_000_000.1239998)
    [queued] = LogQueue(tmp_path / FILE, 200).first(10)
    [event] = events
    assert event.once == queued.once
    assert milliseconds(datetime.fromtimestamp(event.at, UTC)) == queued.record.at_ms


def test_what_nobody_takes_waits_through_an_end_of_the_server_and_comes_once(log_server, start_server):
    server = start_server(log_to=log_to(log_server.port))
    with server.client():
        records(log_server, "bench at")
    log_server.kill()
    with server.client():
        wait_for(lambda: (server.directory / "log-queue.jsonl").read_text().count("bench at"), 5, "the trace on disk")
    server.kill()
    log_server.restart()
    server.restart()
    with server.client():
        pass
    wait_for(lambda: not (server.directory / "log-queue.jsonl").exists(), 10, "an empty queue")
    found = records(log_server, "bench at", 3)
    names = [message.headers["dedup-id"] for message in found]
    assert len(names) == len(set(names))
    assert sum("is started" in text for text in texts(found)) == 2


def test_of_more_than_its_buffer_the_oldest_are_dropped_and_it_says_how_many(log_server, start_server):
    log_server.kill()
    server = start_server(log_to=log_to(log_server.port), options={
        "log": {"verbose": "trace", "all": "network", "ms-buffer-size": "200"}, "clients": {"bench": "benchpass"}})
    for _ in range(150):
        with server.client():
            pass
    log_server.restart()
    first = records(log_server, "were dropped")[0]
    assert first.headers["event"] == "42-20138"
    assert "log records were dropped: more than 200 waited while MS_Log took none." in first.body.decode()


def test_publishing_and_reading_bring_about_no_record(tmp_path, port):
    """A server that takes log records publishes its own to itself."""
    with (ControlDouble(application(port, log_to=log_to(port))) as control,
          ServerProcess(tmp_path / "server", control, port=port) as server):
        server.serving()
        with server.client():
            records(server, "bench at")
        wait_for(lambda: "pairwise.log.reader at" in server.output, 5, "the reader in its own log")
        with server.client():
            found = records(server, "bench at", 2)
    assert not [text for text in texts(found) if "pairwise.log" in text]


def test_where_no_pair_takes_records_nothing_waits_and_control_is_told(start_server):
    server = start_server()
    assert server.control.wait_event(5060).once == ""
    assert not (server.directory / "log-queue.jsonl").exists()


def test_another_pair_is_taken_over_while_it_runs(log_server, start_server):
    server = start_server()
    changed = dict(server.control.application, log_to=log_to(log_server.port))
    server.control.configure(changed)
    assert "The configuration was changed" in texts(records(log_server, "The configuration was changed"))[-1]


def test_a_host_that_is_renamed_while_it_runs_counts_for_its_records(log_server, start_server):
    server = start_server(log_to=log_to(log_server.port))
    records(log_server, "Waiting for a role")
    server.control.configure(dict(server.control.application, host={"name": "beta", "ip_address": "127.0.0.1"}))
    assert records(log_server, "The configuration was changed")[-1].headers["host"] == "beta"


def test_a_publisher_that_is_cut_brings_about_no_record(log_server, start_server):
    """One that stalls, as those of many machines do at once when a network fails."""
    login = log_logins.server(LOG)
    log_server.control.configure(dict(log_server.control.application, log_to=log_to(log_server.port, LOG), options={
        "log": {"verbose": "trace", "all": "network, stdout"}}))
    records(log_server, "The configuration was changed")
    with log_server.client(login=login, passcode=log_logins.passcode(SECRET, login),
                           **{"heart-beat": "1000,0"}) as silent:
        wait_for(lambda: "is cut: it" in log_server.output, 10, "the end of a silent one")
        assert silent.expect("ERROR")
    told = len(log_server.control.events)
    log_server.control.configure(dict(log_server.control.application, host={"name": "beta"}))
    wait_for(lambda: len(log_server.control.events) > told, 5, "what happens after it")
    assert 20010 not in [event.number for event in log_server.control.events]


def test_a_pair_that_refuses_it_is_told_once_in_its_own_log_alone(log_server, start_server):
    said = log_to(log_server.port)
    said["members"][0]["passcode"] = "wrong"
    server = start_server(log_to=said)
    wait_for(lambda: "42-20139" in server.output, 5, "the refusal")
    assert "MS_Log takes no log records, so they wait: MS_Log at 127.0.0.1:" in server.output
    assert 20139 not in [event.number for event in server.control.events]
