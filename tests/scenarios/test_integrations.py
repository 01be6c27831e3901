"""Programs around the console, set up as docs/integrations/ says, with a real pair: Ansible runs every task, the jobs
of Rundeck run, Prometheus asks with its token."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest
import yaml

from bench._local_pair import LocalPair
from tests.integrations.guides import adapted, examples, program
from tests.integrations.test_examples import scripts_of_rundeck
from tests.ports import free_port

from .harness import ROOT, Pairwise, wait_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
CONSOLE, API = "https://pairwise.example.com", "https://console.example.com:8443/api/v1"
PLAYBOOK = program("ansible-playbook") or shutil.which("ansible-playbook", path=str(ROOT / ".venv-bench/bin"))
REFUSED = {
    "Certificates for its secured ports": "no port of it is secured",
    "The job is run again": "it has succeeded",
    "The standby serves although it lacks messages": "nothing of it is lost",
}
"""Tasks that this pair gives no reason for, and why they are refused."""


OF_OTHERS = re.compile(r"/\d+(/|$)|/users/|/channels/|/drills/schedules/")
"""Tasks about an object of the page, which is not here; tests/api/test_examples.py holds these against the
description."""


class Around:
    """A console with a pair; ``token`` is an Administrator's."""

    def __init__(self, directory):
        self.run = Pairwise(directory / "var", PAIRWISE_METRICS="token")
        self.directory = directory

    def __enter__(self):
        self.run.start()
        self.pair = LocalPair(self.run, "Around")
        self.token = self.add("robot", "--role", "Administrator")
        return self

    def __exit__(self, *_):
        self.run.end_everything()

    def add(self, *words) -> str:
        return self.run.manage("tokens", "add", *words).stdout.strip()

    def asked(self, path: str) -> dict:
        """What the API answers to the robot."""
        request = urllib.request.Request(f"{self.run.address}/api/v1{path}", headers={
            "Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def make_whole(self) -> None:
        """Both run, the primary serves, and nobody tries whether it could be otherwise."""
        first = self.pair.names[0]
        wait_for(lambda: not self.asked("/drills?state=running")["items"], 120, "the end of a drill")
        if self.run.application(first)["status"] != "Started":
            self.run.manage("start", first, "--wait")
        if self.pair.wait_whole() != first:
            self.run.manage("switchover", first)
            self.pair.wait_whole()

    def named(self, text: str) -> str:
        """``text`` with the names that the objects have here."""
        return (text.replace("MS_Primary", self.pair.names[0]).replace("MS_Backup", self.pair.names[1])
                .replace("hosts/alpha/look", "hosts/localhost/look").replace(API, f"{self.run.address}/api/v1")
                .replace(CONSOLE, self.run.address))


@pytest.fixture(scope="module")
def around(tmp_path_factory):
    with Around(tmp_path_factory.mktemp("around")) as made:
        yield made


# --- Rundeck


def run_step(around: Around, name: str, **options: str) -> subprocess.CompletedProcess:
    """A job's script, as a node runs it."""
    (around.directory / "step.sh").write_text(adapted(scripts_of_rundeck()[name], {CONSOLE: around.run.address}))
    return subprocess.run(["sh", "step.sh"], cwd=around.directory, capture_output=True, text=True, timeout=120, env={
        "PATH": os.environ["PATH"], "RD_JOB_EXECID": options.get("to", "0"),
        **{f"RD_OPTION_{option.upper()}": value for option, value in options.items()}})


@pytest.mark.skipif(not program("curl"), reason="there is no curl")
def test_rundeck_switches_over_there_and_back_and_finds_that_failover_would_work(around):
    token = around.add("rundeck", "--role", "Operator")
    active = around.pair.wait_whole()
    for to in (around.pair.other(active), active):
        done = run_step(around, "Switch over", token=token, pair=around.pair.names[0], to=to, reason="A test.")
        assert done.returncode == 0, done.stdout + done.stderr
        assert around.pair.wait_whole() == to
    done = run_step(around, "Failover check", token=token, pair=around.pair.names[0])
    assert done.returncode == 0, done.stdout + done.stderr
    verbs = [json.loads(line) for line in around.run.manage("history", "--json").stdout.splitlines()]
    reasons = [each["reason"] for each in verbs if each["origin"].startswith("token rundeck")]
    assert len(reasons) == 2
    assert all(reason.endswith("A test.") for reason in reasons)


# --- Ansible


def blocks_of_ansible(around: Around) -> tuple[dict, list[list[dict]]]:
    """(variables, tasks of each part of the page)."""
    found = [yaml.safe_load(around.named(text)) for text in examples("integrations/ansible.md", "yaml")]
    [variables] = [each for each in found if isinstance(each, dict)]
    parts = [[task for task in each if not OF_OTHERS.search(task["ansible.builtin.uri"]["url"])]
             for each in found if isinstance(each, list)]
    return variables, [each for each in parts if each]


def play(around: Around, directory, variables: dict, tasks: list[dict]) -> str:
    """What Ansible prints of these tasks."""
    for task in tasks:
        task["ignore_errors"] = task["name"] in REFUSED
    (directory / "play.yaml").write_text(yaml.safe_dump([{
        "hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks,
        "vars": {**variables, "pairwise_token": around.token, "ansible_python_interpreter": sys.executable}}]))
    done = subprocess.run([PLAYBOOK, "play.yaml"], cwd=directory, capture_output=True, text=True, timeout=600, env={
        **os.environ, "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8", "HOME": str(directory)})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert f"ok={len(tasks)} " in done.stdout
    return done.stdout


@pytest.mark.skipif(not PLAYBOOK, reason="there is no ansible-playbook")
def test_ansible_runs_every_task(around, tmp_path):
    variables, blocks = blocks_of_ansible(around)
    (tmp_path / "pairwise.yaml").write_text(yaml.safe_dump({"hosts": [{"name": "alpha", "ip_address": "192.0.2.7"}]}))
    said = ""
    for tasks in blocks:
        around.make_whole()
        said += play(around, tmp_path, variables, tasks)
    refused = sum(int(count) for count in re.findall(r"ignored=(\d+)", said))
    assert (len(blocks) >= 4, refused) == (True, len(REFUSED))
    assert around.token not in said


# --- Prometheus


@pytest.mark.skipif(not program("prometheus"), reason="there is no prometheus")
def test_prometheus_asks_with_its_token_as_the_page_says(around, tmp_path):
    port = free_port()
    (tmp_path / "pairwise.token").write_text(around.add("prometheus", "--metrics", "--expires", "0"))
    config = yaml.safe_load(adapted(examples("integrations/prometheus-grafana.md", "yaml")[0], {
        "scheme: https": "scheme: http", "pairwise.example.com:8000": around.run.address.removeprefix("http://"),
        "/etc/prometheus/pairwise-rules.yml": str(ROOT / "deploy/prometheus/rules.yml"),
        "/etc/prometheus/pairwise.token": str(tmp_path / "pairwise.token"), "15s": "1s"}))
    del config["alerting"], config["scrape_configs"][0]["tls_config"]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    with open(tmp_path / "prometheus.log", "wb") as log:
        process = subprocess.Popen(
            [program("prometheus"), f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: _up(port) == "1", 40, "a target that is up", every=0.5)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _up(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query=up", timeout=5) as answer:
            return "".join(each["value"][1] for each in json.load(answer)["data"]["result"])
    except OSError:
        return ""
