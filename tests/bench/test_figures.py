"""What the measurements make of what they measured."""

import argparse
import asyncio
import concurrent.futures
import subprocess
import sys
from collections import Counter

import pytest

from bench import _cases, _cpu, _log_rows, clients, deploy, failover, idle, pair, rabbitmq
from bench._receivers import Receiver, Source
from bench.stomp_client import Load, Result, Sender
from protocol.log_records import read
from tests.scenarios.harness import ROOT


def result(per_second: float, latency_s: float) -> Result:
    return Result(1000, 1000 / per_second, [latency_s] * 1000)


def test_the_pair_is_compared_round_by_round_with_what_ran_beside_it():
    used = [{"primary_us": primary, "backup_us": 5.0} for primary in (8.0, 9.0, 10.0)]
    ours = list(zip([result(40_000, 0.02), result(20_000, 0.04), result(60_000, 0.01)], used, strict=True))
    theirs = [result(10_000, 0.1), result(4_000, 0.2), result(10_000, 0.1)]
    given = argparse.Namespace(rounds=3, n=1000, conns=4, size=300)
    figures = pair.report(250, ours, theirs, given)
    assert (figures["acked_per_s"], figures["p50_ms"], figures["primary_us"]) == (40_000, 20.0, 9.0)
    assert (figures["rabbitmq"]["acked_per_s"], figures["ratios"], figures["ratio"]) == (10_000, [4.0, 5.0, 6.0], 5.0)
    assert "ratio" not in pair.report(250, ours, [], given)


def test_outages_are_told_by_median_p95_and_maximum():
    outages = [(0.1 + number / 1000, 1.0) for number in range(100)]
    figures = failover.report("kill", outages, 5000)
    assert (figures["median_ms"], figures["p95_ms"], figures["max_ms"], figures["rounds"]) == (150, 195, 199, 100)
    assert (figures["whole_again_s"], figures["messages"]) == (1.0, 5000)


def test_nodes_of_rabbitmq_have_nothing_in_common_with_the_system_or_each_other(tmp_path):
    nodes = rabbitmq.Cluster(tmp_path).nodes
    assert len({node.name for node in nodes} | {str(node.directory) for node in nodes}) == 2 * rabbitmq.NODES
    for node in nodes:
        environment = node.environment
        places = [environment[name] for name in ("RABBITMQ_MNESIA_BASE", "RABBITMQ_LOG_BASE", "RABBITMQ_CONFIG_FILE",
                                                 "RABBITMQ_ENABLED_PLUGINS_FILE", "RABBITMQ_PID_FILE", "HOME")]
        assert all(place.startswith(str(tmp_path)) for place in places)
        assert "127.0.0.1" in (node.directory / "rabbitmq.conf").read_text()
    assert (tmp_path / ".erlang.cookie").stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("name", ["nothing", "stomp_client", "_local_pair"])
def test_a_name_that_is_no_measurement_is_refused_with_those_that_are(name):
    done = subprocess.run([sys.executable, "-m", "bench", name], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    known = ("api, audit, catchup, charts, clients, console, deploy, failover, fifty_hosts, fleet, idle, "
             "log, message_server, pair, rabbitmq, resume")
    assert f"Known: {known}." in done.stderr


@pytest.mark.parametrize("names", [[], ["pair", "failover"]])
def test_options_without_the_one_measurement_they_are_for_are_refused(names):
    done = subprocess.run([sys.executable, "-m", "bench", *names, "-pairs", "5"], cwd=ROOT, capture_output=True,
                          text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "Name the one measurement that -pairs 5 is for.\n")


def test_processor_time_is_told_by_kind_of_process_and_host():
    before = {(7, 1): _cpu.Used("host worker", 2.0, 1.0), (8, 1): _cpu.Used("web", 5.0, 0.0)}
    after = {(7, 1): _cpu.Used("host worker", 2.5, 1.2), (8, 1): _cpu.Used("web", 5.0, 0.0),
             # The number of a process that is gone, given to another one.
             (8, 2): _cpu.Used("server", 0.5, 0.0)}
    seconds = _cpu.spent(before, after)
    assert _cpu.per_host(seconds, 2) == {"all": 0.6, "host worker": 0.25, "server": 0.25,
                                         "programs of host worker": 0.1}
    took = deploy.Took(2.0, seconds, 0.75)
    figures = deploy.report(2, [(took, took)], [20.0])
    assert (figures["console_s"], figures["ratio"], figures["install_busy"]) == (4.0, 5.0, 0.75)
    assert figures["start_cpu_s_a_host"]["all"] == 0.6
    assert "ratio" not in deploy.report(2, [(took, took)], [])


def test_what_an_idle_console_costs_stands_beside_its_limits_and_by_process():
    figures = idle.report(100, Counter({"web": 0.5, "control": 1.0, "shim": 0.0}), Counter({"web": 1200}),
                          Counter({"web": 300.0, "control": 200.0}), 0.012)
    assert (figures["cpu_percent"], figures["limit_percent"], figures["ratio"]) == (1.5, 1.5, 1.0)
    assert (figures["memory_mb"], figures["limit_mb"], figures["memory_ratio"]) == (500, 400.0, 1.25)
    assert figures["cpu_percent_by_kind"] == {"control": 1.0, "web": 0.5}
    assert (figures["wakes_a_second"], figures["bare_start_ms"]) == ({"web": 12.0}, 12.0)


def test_processes_below_this_one_are_seen_while_they_run():
    work = "import sys\nx = sum(range(20_000_000))\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", work, "-app", "X"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as child:
        before = _cpu.look()
        child.stdout.readline()
        spent = _cpu.spent({}, {key: used for key, used in _cpu.look().items() if key[0] == child.pid})
        assert spent["server"] > 0.1
        assert any(key[0] == child.pid for key in before)
    assert not any(key[0] == child.pid for key in _cpu.look())


def test_log_records_that_are_searched_are_such_as_a_server_takes():
    some = list(_log_rows.records(5000))
    assert [read(each.destination(), each.headers(), each.text.encode()) for each in some] == some
    assert len({each.application for each in some}) == _log_rows.APPLICATIONS
    assert len({each.host for each in some}) == _log_rows.HOSTS
    assert 0 < sum(each.level == "alarm" for each in some) < 150


def test_messages_have_the_further_headers_in_turn():
    written = []
    load = Load("", 0, "", "", window=3, size=2, heads=("a:1\n", "a:2\n"))
    sender = Sender(load, 3, concurrent.futures.Future())
    sender.connection_made(argparse.Namespace(write=written.append))
    sender.data_received(b"CONNECTED\n\n\0")
    assert [frame.split(b"\n")[3:5] for frame in written[1].split(b"\0")[:3]] == [
        [b"a:1", b"receipt:0"], [b"a:2", b"receipt:1"], [b"a:1", b"receipt:2"]]


def case_named(name: str) -> _cases.Case:
    return next(case for case in _cases.CASES if case.name == name)


def test_a_case_says_how_many_times_better_the_pair_was_in_each_round():
    figures = clients.report(case_named("big"), {"pair": [30.0, 40.0, 50.0], "quorum": [20.0, 20.0, 20.0]})
    assert (figures["pair"], figures["ratios_quorum"], figures["ratio_quorum"]) == (40.0, [1.5, 2.0, 2.5], 2.0)
    waits = clients.report(case_named("one_at_a_time"), {"pair": [2.0], "quorum": [3.0], "classic": [1.0]})
    assert (waits["ratio_quorum"], waits["ratio_classic"]) == (1.5, 0.5)
    assert "ratio_quorum" not in clients.report(case_named("big"), {"pair": [1.0]})


def test_what_the_aims_are_for_is_measured():
    assert {case.name: case.aim for case in _cases.CASES} == {
        "small": 6.0, "one_at_a_time": 1.0, "big": 1.0, "consume": 10.0, "fan_out": 10.0}


class Wire(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written, self.closed = [], False

    def write(self, data):
        self.written.append(data)

    def close(self):
        self.closed = True


def test_a_receiver_counts_messages_and_nothing_else():
    async def receive() -> None:
        receiver, wire = Receiver(Source("", 0, "l", "p", "/topic/a", "from-seq:7\n"), 2), Wire()
        receiver.connection_made(wire)
        receiver.data_received(b"CONNECTED\n\n\0")
        assert b"\nfrom-seq:7\n" in wire.written[1]
        receiver.data_received(b"RECEIPT\n\n\0MESSAGE\n\nx\0MESS")
        assert (receiver.ready.done(), receiver.finished.done()) == (True, False)
        receiver.data_received(b"AGE\n\nx\0")
        assert await receiver.finished > 0
        assert wire.closed

    asyncio.run(receive())


def test_a_receiver_that_is_refused_says_what_it_was_told():
    async def refused() -> None:
        receiver = Receiver(Source("", 0, "l", "p", "/topic/a"), 2)
        receiver.connection_made(Wire())
        receiver.data_received(b"ERROR\nmessage:no\n\n\0")
        for future in (receiver.ready, receiver.finished):
            with pytest.raises(ConnectionError, match="message:no"):
                await future

    asyncio.run(refused())
