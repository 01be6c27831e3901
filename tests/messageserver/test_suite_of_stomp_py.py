"""The suite of stomp.py, which asks ActiveMQ and RabbitMQ where its authors run it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

from .conftest import ServerProcess, application
from .control_double import ControlDouble
from .suites import LOGINS, check, unpacked

pytestmark = pytest.mark.scenario
SUITE = "stomp.py 4.1.24"
RUN_S = 120
# One process has all that use /queue/test, one after the other.
QUICK = ["s10_test", "s11_test", "s12_test", "nonascii_test", "activemq_test", "apollo_test", "local_test", "misc_test"]
LONG = [["basic_test"], ["threading_test"], [f"cli_test.TestCLI.test{name}" for name in (
    "subscribe", "sendrec", "sendfile", "sendfileheaders", "abort")], [f"cli_test.TestCLI.test{name}" for name in (
        "commit", "stats", "run", "runarg")]]
WITHOUT = {
    "basic_test.TestBasicSend.test_timeout", "misc_test.TestNoResponseConnectionKill.test_noresponse", "ss_test",
    "s11_test.Test11Send.testheartbeat_timeout", "s12_test.Test12Connect.test_timeout", "stompserver_test",
    "rabbitmq_test", "override_threading_test", "ssl_test", "cli_ssl_test", "ssl_sni_test", "multicast_test",
    "transport_test", "utils_test", "p2_backward_test", "p3_backward_test"}
"""Cases, and modules as a whole; docs/conformance.md says why."""
SETTINGS = """
[default]
host = 127.0.0.1
port = {port}
user = admin
password = password
[rabbitmq]
host = 127.0.0.1
port = {port}
user = guest
password = guest
[ipv6]
host = ::1
port = {port}
[apollo]
host = localhost
port = {port}
"""
RUNNER = """
import json, sys, threading, unittest
# Python 3.9 has removed the former name, which the suite reads.
threading.Thread.isAlive = threading.Thread.is_alive
names, without, file = json.loads(sys.argv[1])

def cases(suite):
    for each in suite:
        yield from cases(each) if isinstance(each, unittest.TestSuite) else [each]

outcomes = {}
for case in cases(unittest.defaultTestLoader.loadTestsFromNames(["stomp.test." + name for name in names])):
    name = case.id().removeprefix("stomp.test.")
    if name not in without:
        result = unittest.TestResult()
        case.run(result)
        outcomes[name] = "".join(said for _, said in result.errors + result.failures)
with open(file, "w") as out:
    json.dump(outcomes, out)
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory) -> Path:
    """The suite, set to ask a server that runs."""
    directory, port = tmp_path_factory.mktemp("suite"), free_port()
    folder = unpacked("stomp.py-4.1.24.tar.gz", directory)
    (folder / "stomp/test/setup.ini").write_text(SETTINGS.format(port=port))
    with ControlDouble(application(port, options=LOGINS)) as control, ServerProcess(
            directory / "server", control, port=port) as server:
        server.serving()
        yield folder


def outcomes(folder: Path, *together: list[str]) -> dict[str, str]:
    """What came of the cases; each list is run in a process of its own, all at the same time."""
    files = [folder / f"outcomes-{names[0]}.json" for names in together]
    running = [subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", RUNNER, json.dumps([names, sorted(WITHOUT), str(file)])],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for names, file in zip(together, files, strict=True)]
    try:
        said = [process.communicate(timeout=RUN_S)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert all(file.exists() for file in files), "".join(said)
    return {name: wrong for file in files for name, wrong in json.loads(file.read_text()).items()}


def test_what_needs_few_seconds_passes(suite):
    check(f"{SUITE}, quick", outcomes(suite, QUICK), {each for each in WITHOUT if not each.startswith("basic_test")})


@pytest.mark.long
def test_what_waits_passes(suite):
    check(f"{SUITE}, long", outcomes(suite, *LONG), {each for each in WITHOUT if each.startswith("basic_test")})


def test_every_module_is_run_or_left_out(suite):
    modules = {file.stem for file in (suite / "stomp/test").glob("*_test.py")}
    run = {name.split(".")[0] for names in (QUICK, *LONG) for name in names}
    assert modules == run | {each for each in WITHOUT if "." not in each}
