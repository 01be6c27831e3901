"""A real Prometheus reads /metrics, with the rules of alerts that are shipped."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request

import pytest
import yaml

from tests.ports import free_port

from .applications import started
from .harness import ROOT, wait_for

RULES = ROOT / "deploy/prometheus/rules.yml"

pytestmark = [pytest.mark.long, pytest.mark.skipif(not shutil.which("prometheus"), reason="there is no prometheus")]


class Prometheus:
    """One that asks ``address`` every second."""

    def __init__(self, directory, address):
        self.port = free_port()
        where = urllib.parse.urlsplit(address)
        job = {"job_name": "pairwise", "scheme": where.scheme, "static_configs": [{"targets": [where.netloc]}]}
        (directory / "prometheus.yml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(RULES)],
            "scrape_configs": [job]}))
        with open(directory / "prometheus.log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def asked(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]
        return None

    def value(self, query):
        """Of the one sample that ``query`` finds; None while it finds none."""
        found = self.asked("query", query=query)
        return float(found["result"][0]["value"][1]) if found and len(found["result"]) == 1 else None


@pytest.fixture
def prometheus(tmp_path, make_pairwise):
    pairwise = make_pairwise(PAIRWISE_METRICS="loopback").start()
    one = Prometheus(tmp_path, pairwise.address)
    try:
        yield pairwise, one
    finally:
        one.process.send_signal(signal.SIGTERM)
        one.process.wait(20)


def test_a_server_is_seen_up_counted_and_down_and_the_rules_can_be_evaluated(prometheus):
    pairwise, found = prometheus
    server = started(pairwise, "Watched")
    up = 'pairwise_application_up{application="Watched",pair="Watched"}'
    wait_for(lambda: found.value(up) == 1, 40, "the server, up")
    assert found.value("pairwise_control_up") == 1
    os.kill(server["pid"], signal.SIGKILL)
    wait_for(lambda: found.value(up) == 0, 40, "the server, down")
    rules = [rule for group in found.asked("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(yaml.safe_load(RULES.read_text())["groups"][0]["rules"])
    wait_for(lambda: all(rule["health"] == "ok" for group in found.asked("rules")["groups"]
                         for rule in group["rules"]), 20, "evaluated rules")
