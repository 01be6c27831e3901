"""Commands: a program gets the message, sees no secret, and has its time."""

import json
import sys
import time
from datetime import UTC, datetime

import pytest

from provisioning.notifications.facts import Message, Recipient
from provisioning.notifications.worker import command
from provisioning.states import ChannelKind, Told
from tests.waiting import wait_for

MESSAGE = Message(message_id="msg_1", told=Told.RAISED, subject="Critical: MS_P", text="It broke.", alarms=(1,),
                  payload={"type": "alarm.raised", "data": {"text": "é" * 100_000}},
                  at=datetime(2026, 3, 2, tzinfo=UTC))


@pytest.fixture
def ran(tmp_path):
    """What came of a program with this text, which is given one argument."""
    def ran(text, *, argument="'to the shift'"):
        (tmp_path / "program.py").write_text(text)
        return command.send(Recipient("tell", ChannelKind.COMMAND, {
            "command": f"{sys.executable} -I {tmp_path / 'program.py'} {argument}"}), MESSAGE)
    return ran


def test_it_gets_the_message_and_its_arguments_without_a_shell(ran, tmp_path):
    answer = ran("import json, os, sys\nprint(json.dumps([sys.argv[1:], len(sys.stdin.read()), os.getcwd()]))",
                 argument=f"'to the shift' $(touch {tmp_path}/x) ;")
    assert answer.succeeded
    arguments, size, where = json.loads(answer.said)
    assert (arguments, where) == (["to the shift", "$(touch", f"{tmp_path}/x)", ";"], "/")
    assert size > 100_000
    assert not (tmp_path / "x").exists()


def test_what_it_is_given_is_json_with_the_number_of_the_message(ran):
    said = ran("import json, sys\ngiven = json.load(sys.stdin)\nprint(given['id'], given['subject'], given['type'])")
    assert said.said.strip() == "msg_1 Critical: MS_P alarm.raised"


def test_it_sees_nothing_of_the_environment_of_pairwise(ran, monkeypatch):
    monkeypatch.setenv("PAIRWISE_SECRET_KEY", "planted-secret")
    said = json.loads(ran("import json, os\nprint(json.dumps(dict(os.environ)))").said)
    assert said.keys() - {"LC_CTYPE"} == {"PATH", "LANG"}


def test_its_exit_code_says_whether_it_took_the_message(ran):
    answer = ran("import sys\nprint('No such number.', file=sys.stderr)\nsys.exit(3)")
    assert (answer.succeeded, answer.said) == (False, "It ended with exit code 3. No such number.\n")


def test_one_that_does_not_end_is_killed_with_what_it_started(ran, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "WITHIN_S", 0.7)
    alive = tmp_path / "alive"
    began = time.monotonic()
    answer = ran(f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-I", "-c", '''
import time
while True:
    open({str(alive)!r}, "w").write(str(time.monotonic_ns()))
    time.sleep(0.01)
'''])
print("Still trying.", flush=True)
time.sleep(60)
""")
    assert time.monotonic() - began < 5
    assert not answer.succeeded
    assert "and was killed. Still trying." in answer.said
    before = alive.read_text() if alive.exists() else ""
    with pytest.raises(AssertionError):
        wait_for(lambda: alive.exists() and alive.read_text() != before, 0.2)


def test_one_that_leaves_something_behind_is_not_waited_for(ran):
    began = time.monotonic()
    answer = ran("import subprocess\nsubprocess.Popen(['/bin/sleep', '3'])\nprint('Done.', flush=True)")
    assert time.monotonic() - began < 2.5
    assert (answer.succeeded, answer.said) == (True, "Done.\n")


def test_of_much_that_it_says_only_the_beginning_is_kept(ran):
    answer = ran("import sys\nsys.stdout.write('x' * 3_000_000)")
    assert (answer.succeeded, len(answer.said)) == (True, command.MOST_READ)


@pytest.mark.parametrize("text", ["/no/such/program", "/etc/passwd", "program"])
def test_one_that_cannot_be_started_says_so(text):
    answer = command.send(Recipient("tell", ChannelKind.COMMAND, {"command": text}), MESSAGE)
    assert not answer.succeeded
    assert "cannot be started" in answer.said or "whole path" in answer.said
