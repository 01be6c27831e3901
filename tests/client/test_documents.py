"""The examples of docs/clients.md do what they say, as they stand but for the addresses."""

import json
import re
import subprocess
import sys

import pytest

from tests.messageserver.conftest import ROOT
from tests.messageserver.suites import listening
from tests.messageserver.test_clients_of_others import installed, modules, said
from tests.messageserver.test_stompjs import IMPORT, REQUIRE, run_script
from tests.waiting import wait_for

__all__ = ["run_script"]
pytestmark = pytest.mark.scenario
PAGE = (ROOT / "docs" / "clients.md").read_text()
RUN_S = 30
HAS_PERL = installed("perl", "-MNet::Stomp", "-e1")


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def changed(example: str, **changes: str) -> str:
    """``example`` with other addresses, each of which stands in it as it is."""
    for written, here in changes.items():
        assert written in example
        example = example.replace(written, here)
    return example


def test_the_examples_in_python_run(served):
    assert len(examples("python")) == 2
    for example in examples("python"):
        program = (example.replace("ms-a.example:7000", "127.0.0.1:1")
                   .replace("ms-b.example:7000", f"127.0.0.1:{served.port}")
                   .replace('"ms-a.example", 7000', '"127.0.0.1", 1')
                   .replace('"ms-b.example", 7000', f'"127.0.0.1", {served.port}'))
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "client", capture_output=True, text=True,
                              timeout=60)
        assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


def test_the_example_with_stompjs_runs(start_server, port, run_script):
    start_server(ports=[listening(port, "stomp-ws")])
    printed = run_script(changed(examples("javascript")[0], **{
        IMPORT: REQUIRE, "wss://ms-a.example:7080": "ws://127.0.0.1:1",
        "wss://ms-b.example:7080": f"ws://127.0.0.1:{port}"}))
    wait_for(lambda: sorted(printed.read_text().splitlines()) == ["hello", "stored"], RUN_S, "receipt and message")


def test_the_example_with_stompit_runs(start_server, port, tmp_path, run_script):
    start_server()
    folder = modules("stompit", "stompit-1.0.0.tgz", tmp_path)
    script = changed(examples("javascript")[1], **{
        '"ms-a.example", "ms-b.example"': '"127.0.0.1"', "port: 7000": f"port: {port}",
        'require("stompit")': f"require({json.dumps(str(folder / 'stompit'))})"})
    printed = run_script(f"module.paths.push({json.dumps(str(folder))});\n{script}")
    wait_for(lambda: sorted(printed.read_text().splitlines()) == ["hello", "stored"], RUN_S, "receipt and message")


@pytest.mark.long
@pytest.mark.skipif(not HAS_PERL, reason="Net::Stomp is not installed")
def test_the_example_in_perl_runs(start_server, port):
    start_server()
    [example] = examples("perl")
    assert said(["perl", "-e", changed(example, **{
        "ms-a.example ms-b.example": "127.0.0.1", "port => 7000": f"port => {port}"})]) == ["hello"]


def test_what_no_test_runs_says_so():
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    unrun = {section.partition("\n")[0] for section in sections if "Not run here." in section}
    assert (len(sections), unrun) == (7, {"Java: Spring Messaging", "Go: go-stomp/stomp v3"})
