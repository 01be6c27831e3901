"""Processes that `up` has forked from one that has loaded what they use. Real processes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from console.up.child import Child
from console.up.fork_server import LOADED
from console.up.forks import Fork, ForkServer
from console.up.processes import RUN_MARK, session_members
from console.up.program import Program, python
from tests.sources import ROOT
from tests.waiting import wait_for

MARK, WAIT_S = "mark-of-the-forks", 20.0
SERVES = "from console.up import fork_server; fork_server.load = lambda: {load}; fork_server.main()"
TELLS = """
import json, os, sys, time
print(json.dumps({"argv": sys.argv, "name": __name__, "pid": os.getpid(), "session": os.getsid(0),
                  "parent": os.getppid(), "more": os.environ.get("MORE"), "umask": os.umask(0),
                  "input": os.readlink("/proc/self/fd/0"),
                  "files": sorted(os.listdir("/proc/self/fd"))}), flush=True)
time.sleep(60)
"""


def environment() -> dict[str, str]:
    return {**os.environ, RUN_MARK: MARK, "SPT_NOENV": "1", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def make_server(tmp_path):
    made = []

    def make(load: str = "None") -> ForkServer:
        made.append(ForkServer(Program(
            name="server", label="Server", environment=environment(), directory=tmp_path,
            arguments=python("-c", SERVES.format(load=load))), tmp_path))
        made[-1].begin()
        return made[-1]

    yield make
    for server in made:
        server.release()


@pytest.fixture
def make_child(tmp_path):
    made = []

    def make(server: ForkServer, code: str = TELLS, **fields) -> Child:
        name = f"child{len(made)}"
        (tmp_path / f"{name}.py").write_text(code)
        made.append(Child(Program(
            name=name, label=name, arguments=python(f"{name}.py", "one", "two"), environment=environment(),
            directory=tmp_path, **fields), tmp_path, MARK, server.fork))
        made[-1].start({"MORE": "yes"})
        return made[-1]

    yield make
    for child in made:
        child.kill()
        wait_for(child.gone, WAIT_S)


def told(child: Child) -> dict:
    return json.loads(wait_for(lambda: child.log.read_text(), WAIT_S).splitlines()[0])


def test_it_is_a_process_as_one_that_was_started_for_itself(make_server, make_child):
    server = make_server()
    child = make_child(server, umask=0o027)
    server.release()
    assert isinstance(child.process, Fork)
    facts = told(child)
    assert facts["argv"] == [f"{child.program.name}.py", "one", "two"]
    assert (facts["name"], facts["pid"], facts["session"]) == ("__main__", child.pid, child.pid)
    assert (facts["parent"], facts["more"], facts["umask"]) == (os.getpid(), "yes", 0o027)
    assert facts["input"] == os.devnull
    assert facts["files"][:3] == ["0", "1", "2"]
    assert len(facts["files"]) == 4, "and the one that lists them"
    assert child.log.stat().st_mode & 0o777 == 0o600


def test_it_is_listed_by_what_it_does_and_known_by_the_mark_of_its_run(make_server, make_child):
    server = make_server()
    child = make_child(server)
    server.release()
    told(child)
    with open(f"/proc/{child.pid}/cmdline") as file:
        assert file.read().strip("\0 ") == f"pairwise: {child.program.name}"
    assert session_members(child.pid, MARK) == [child.pid]


def test_nothing_runs_before_it_is_a_child_of_ours(make_server, make_child):
    server = make_server()
    first = make_child(server)
    second = make_child(server)
    assert (first.log.read_text(), first.runs, first.ended()) == ("", True, None)
    server.release()
    assert {told(first)["parent"], told(second)["parent"]} == {os.getpid()}


@pytest.mark.parametrize(("code", "said"), [("raise SystemExit(3)", 3), ("import os; os.abort()", -signal.SIGABRT)])
def test_how_it_ended_is_known(make_server, make_child, code, said):
    server = make_server()
    child = make_child(server, code)
    server.release()
    assert wait_for(lambda: (ended := child.ended()) is not None and [ended], WAIT_S) == [said]
    assert child.start_again_at is not None


def test_it_is_asked_to_stop_and_killed_as_any_other(make_server, make_child):
    server = make_server()
    polite = make_child(server)
    stubborn = make_child(server, f"import signal; signal.signal(15, signal.SIG_IGN){TELLS}")
    server.release()
    for child in (polite, stubborn):
        told(child)
        child.ask_to_stop()
    wait_for(polite.gone, WAIT_S)
    assert not stubborn.gone()
    stubborn.kill()
    wait_for(stubborn.gone, WAIT_S)


def test_what_starts_once_more_loads_everything_itself(make_server, make_child):
    server = make_server()
    child = make_child(server, f"{TELLS.replace('time.sleep(60)', '')}")
    server.release()
    wait_for(lambda: child.ended() is not None, WAIT_S)
    child.start({"MORE": "again"})
    assert isinstance(child.process, subprocess.Popen)
    assert json.loads(wait_for(lambda: child.log.read_text().splitlines()[1:], WAIT_S)[0])["more"] == "again"


@pytest.mark.parametrize("load", ["1 / 0", "__import__('os').abort()"])
def test_where_nothing_can_be_forked_a_process_is_started_for_itself(make_server, make_child, load):
    server = make_server(load)
    child = make_child(server)
    server.release()
    assert isinstance(child.process, subprocess.Popen)
    assert told(child)["more"] == "yes"


def test_where_the_one_that_forks_cannot_be_begun_a_process_is_started_for_itself(tmp_path, make_child):
    server = ForkServer(Program(name="server", label="Server", environment=environment(), directory=tmp_path,
                                arguments=[str(tmp_path / "nothing")]), tmp_path)
    server.begin()
    child = make_child(server)
    server.release()
    assert isinstance(child.process, subprocess.Popen)
    assert told(child)["more"] == "yes"


def test_one_that_is_not_needed_any_more_ends_while_it_still_loads(make_server):
    server = make_server("__import__('time').sleep(60)")
    began = time.monotonic()
    server.release()
    assert time.monotonic() - began < 5


FOLLOWS = """
import sys, time
from pathlib import Path
from console.up.forks import ForkServer
from console.up.program import Program, appending, python
import os
here = Path.cwd()
def program(name, *arguments):
    return Program(name=name, label=name, arguments=python(*arguments), environment=dict(os.environ), directory=here)
server = ForkServer(program("server", "-c", SERVES), here)
server.begin()
with appending(here / "child.log") as log:
    child = server.fork(program("child", "child.py"), log, {})
if RELEASED:
    server.release()
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("released", [True, False])
def test_it_ends_when_up_is_killed(tmp_path, released):
    (tmp_path / "child.py").write_text(TELLS)
    code = f"RELEASED, SERVES = {released}, {SERVES.format(load='None')!r}{FOLLOWS}"
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE,
                          text=True) as up:
        pid = int(up.stdout.readline())
        if released:
            wait_for(lambda: (tmp_path / "child.log").read_text(), WAIT_S)
        up.kill()
    wait_for(lambda: not session_members(pid, MARK), WAIT_S)


LOADS = """
import json, os, sys, threading
before = {*os.listdir("/proc/self/fd")}
from console.up import fork_server
fork_server.load()
from django.db import connections
connected = [each.alias for each in connections.all(initialized_only=True) if each.connection]
print(json.dumps([threading.active_count(), connected, [*{*os.listdir("/proc/self/fd")} - before], [*sys.modules]]))
"""


def test_what_is_loaded_before_leaves_nothing_that_two_processes_must_not_share(tmp_path):
    """No thread is forked with them, and a connection or an open file would be that of all of them."""
    done = subprocess.run([sys.executable, "-c", LOADS], cwd=ROOT, check=True, text=True, capture_output=True,
                          timeout=60, env={**os.environ, "PAIRWISE_DATA_DIR": str(tmp_path),
                                           "DJANGO_SETTINGS_MODULE": "console.settings"})
    threads, connections, files, modules = json.loads(done.stdout)
    assert (threads, connections, files) == (1, [], [])
    assert {*LOADED} <= {*modules}
    # The names of these are of what does nothing but to be run.
    assert not {"console.web", "console.asgi"} & {*modules}
