"""Log On As on a real host: the server runs as that account, its files are that account's, and one that another account
started by hand is found."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from .applications import message_server
from .harness import PATIENCE, wait_for
from .joining import DIRECTORY, PATHS, console_beside, created, line_of

SOON_S = 30 * PATIENCE
NAME, ACCOUNT = "MS_Account", "nobody"


@pytest.fixture
def ground(hosts_allowed, tmp_path):
    with console_beside(tmp_path, "zeta") as (run, machine):
        if machine._path() != PATHS:
            pytest.skip("the Python of this machine is too old, and the one of the tests is not for other accounts")
        yield [run.start(), machine]


@pytest.mark.long
def test_a_server_runs_as_its_account_and_one_of_another_account_is_found(ground):
    run, machine = ground
    browser = run.browser()
    page = created(browser, machine)
    address = page.url.removeprefix(run.address)
    done = machine.paste(line_of(page.text))
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"

    path = run.data_dir.parent / "account.yaml"
    path.write_text(json.dumps({"applications": [message_server(NAME, host=machine.name, log_on_as=ACCOUNT)]}))
    run.manage("apply", str(path), "--yes")
    run.manage("install", NAME, "--wait")
    run.manage("start", NAME, "--wait")
    server = run.wait_status(NAME, "Started")
    uid = int(machine.run("id", "-u", ACCOUNT).stdout)
    assert owner(machine, server["pid"]) == uid
    home = machine.file(DIRECTORY / "apps" / NAME.lower())
    home = home if home.is_dir() else next(machine.file(DIRECTORY / "apps").iterdir())
    files = [path for path in home.rglob("*") if not path.is_symlink()]
    assert files
    assert {path.stat().st_uid for path in files} == {uid}
    wait_for(lambda: f"as {ACCOUNT}" in browser.get(address).text, SOON_S, "the account on the page")
    assert "Other account" not in browser.get(address).text
    wait_for(lambda: f"{ACCOUNT} may be used. The agent runs as root." in browser.get(f"{address}ladder/").text, SOON_S,
             "the account on the ladder")

    run.manage("stop", NAME, "--wait")
    inside = Path("/") / home.relative_to(f"/proc/{machine.pid}/root")
    by_hand = subprocess.Popen([*machine.everything, "sh", "-c", f"cd {inside} && exec ./run.sh"],
                               env={"PATH": PATHS}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        run.wait_status(NAME, "Started")
        sentence = f"{NAME} runs as root, its Log On As is {ACCOUNT}."
        wait_for(lambda: sentence in browser.get(address).text, SOON_S, "the other account on the page")
        assert sentence in browser.get(f"{address}ladder/").text
    finally:
        run.manage("stop", NAME, "--wait")
        by_hand.wait(30)


def owner(machine, pid: int) -> int:
    return os.stat(f"/proc/{machine.real_pid(pid)}").st_uid
