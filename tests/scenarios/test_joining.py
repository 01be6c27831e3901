"""A machine on which nothing of Pairwise runs becomes a host by the one line of its page."""

import json
import re

import pytest
import redis
from redis.exceptions import NoPermissionError

from .applications import message_server
from .harness import Pairwise, wait_for
from .joining import DIRECTORY, Machine, console_beside, created, host_of, line_of


@pytest.fixture(scope="module")
def network(hosts_allowed, tmp_path_factory):
    with console_beside(tmp_path_factory.mktemp("joining"), "gamma") as (run, machine):
        yield [run.start(), machine]


@pytest.mark.long
def test_a_machine_joins_by_the_line_of_its_page_and_runs_a_server(network):
    pairwise, machine = network
    browser = pairwise.browser()
    page = created(browser, machine)
    assert page.status == 200, page.text
    first = line_of(page.text)

    done = machine.paste(first)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{machine.logs()}"
    assert f"Host {machine.name} is ready." in done.stdout
    host = host_of(pairwise, machine.name)
    assert (host["status"], host["worker_alive"]) == ("Running", True)
    assert machine.file(DIRECTORY / "agent.json").stat().st_mode & 0o077 == 0
    account = json.loads(machine.file(DIRECTORY / "agent.json").read_text())["broker_url"]
    with redis.Redis.from_url(account) as client:
        assert client.llen(f"host.{machine.name}") == 0
        with pytest.raises(NoPermissionError):
            client.llen("host.localhost")
    page = browser.get(page.url.removeprefix(pairwise.address))
    assert "step-waiting" not in page.text
    assert "step-failed" not in page.text
    ladder = browser.get(f"{page.url.removeprefix(pairwise.address)}ladder/").text
    assert not re.search("Holds up to|No rung holds", ladder), ladder
    assert "It answered over the broker a moment ago." in ladder

    again = machine.paste(first)
    assert again.returncode == 1
    assert "The token was used already" in again.stderr

    server = installed_and_started(pairwise, machine.name)
    address = page.url.removeprefix(pairwise.address)
    second = line_of(browser.post(f"{address}join/", {}).text)
    agent = agent_pid(machine)
    done = machine.paste(second)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{machine.logs()}"
    assert agent_pid(machine) != agent
    after = wait_for(lambda: running_server(pairwise), 20, "the server Started")
    assert after["pid"] == server["pid"]
    for path in pairwise.data_dir.rglob("*.log"):
        text = path.read_text(errors="replace")
        assert token_of(first) not in text
        assert token_of(second) not in text

    pairwise.manage("stop", "MS_Joined", "--wait")
    removed = machine.paste(f"python3 {DIRECTORY}/current/remove.py")
    assert removed.returncode == 0, removed.stderr
    assert [path.name for path in machine.file(DIRECTORY).iterdir()] == ["apps"]
    wait_for(lambda: host_of(pairwise, machine.name)["status"] != "Running", 20, "the agent gone")
    left = wait_for(lambda: (found := pairwise.application("MS_Joined"))["reason"].startswith("Not managed") and found,
                    20, "the application not managed")
    assert left["status"] == "Stopped"


def token_of(line: str) -> str:
    return line.split()[1]


def agent_pid(machine: Machine) -> int:
    return int(machine.file(DIRECTORY / "agent.pid").read_text().split()[0])


def installed_and_started(pairwise: Pairwise, host: str) -> dict:
    path = pairwise.data_dir.parent / "joined.yaml"
    path.write_text(json.dumps({"applications": [message_server("MS_Joined", host=host)]}))
    pairwise.manage("apply", str(path), "--yes")
    pairwise.manage("install", "MS_Joined", "--wait")
    pairwise.manage("start", "MS_Joined", "--wait")
    return pairwise.wait_status("MS_Joined", "Started")


def running_server(pairwise: Pairwise) -> dict | None:
    found = pairwise.application("MS_Joined")
    return found if found["status"] == "Started" else None
