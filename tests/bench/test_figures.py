"""What the measurements make of what they measured."""

import argparse
import subprocess
import sys

import pytest

from bench import failover, pair, rabbitmq
from bench.stomp_client import Result
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
    assert "Known: catchup, console, deploy, failover, fifty_hosts, message_server, pair, rabbitmq." in done.stderr
