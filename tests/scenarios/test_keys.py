"""A console whose secrets come by files, on an address that others reach: its key is wrong, and is rotated, while a
server of it runs."""

import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from .applications import installed
from .harness import PASSWORD, PATIENCE, ROOT, wait_for
from .test_secrets_at_rest import command_lines

ADDRESS = "127.0.0.2"
"""No loopback to the console: it speaks TLS there, and Redis listens with a password."""


@pytest.fixture
def files(tmp_path):
    directory = tmp_path / "secrets"
    directory.mkdir()

    def write(name, text):
        path = directory / name
        path.write_text(f"{text}\n")
        path.chmod(0o600)
        return str(path)
    return write


def refusal(run):
    """The sentence with which a start ends, and nothing else."""
    run.launch()
    assert run.wait_end() == 2, run.text
    assert "Traceback" not in run.text
    return run.output[-1]


def ended(run, *command, **environment):
    """What a process of the console that is started by itself says before it ends."""
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=run.environment | environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=30 * PATIENCE)
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.long
def test_a_wrong_key_stops_the_start_and_the_right_one_is_rotated_under_load(make_pairwise, files):
    first, second = (secrets.token_urlsafe(48) for _ in range(2))
    run = make_pairwise(host=ADDRESS, PAIRWISE_SECRET_KEY_FILE=files("key", first), PAIRWISE_ADMIN_PASSWORD="",
                        PAIRWISE_ADMIN_PASSWORD_FILE=files("admin", PASSWORD))
    run.start()
    run.wait_host()
    installed(run, "Kept")
    run.manage("start", "Kept", "--wait")
    _nothing_on_a_command_line(run, first)

    # A rotation that is asked for too early would leave what runs without a secret.
    early = {"PAIRWISE_SECRET_KEY_FILE": files("next", second), "PAIRWISE_SECRET_KEY_FALLBACKS": first}
    said = ended(run, "manage.py", "rotate_key", **early)
    assert said.startswith("Nothing was changed. Control runs with another key")

    # Another key: nothing of the console starts, each part says why, what needs no secret works.
    assert run.stop() == 0
    run.environment["PAIRWISE_SECRET_KEY_FILE"] = files("wrong", second)
    said = refusal(run)
    assert "another PAIRWISE_SECRET_KEY than the one that was given" in said
    assert "Give that one again" in said
    for command in (("manage.py", "runcontrol"), ("-m", "console.web"), ("-m", "console.worker")):
        assert "another PAIRWISE_SECRET_KEY" in ended(run, *command), command
    assert run.command_line("users", "list").returncode == 0
    checked = run.command_line("check", check=False)
    assert (checked.returncode, "pairwise.E015" in checked.stderr) == (1, True)

    # The same, with the former key beside it: everything works, and goes over to the new one.
    run.environment["PAIRWISE_SECRET_KEY_FALLBACKS_FILE"] = files("former", first)
    run.start()
    run.wait_host()
    browser = run.browser()
    rotated = run.command_line("rotate_key").stdout
    assert "can be dropped" in rotated
    assert run.health()[0] == 200
    assert "Kept" in browser.get("/provisioning/environment/applications/").text
    run.wait_status("Kept", "Started")
    _nothing_on_a_command_line(run, first, second)

    # Without it: who is signed in, hosts, servers and history know nothing of it.
    assert run.stop() == 0
    del run.environment["PAIRWISE_SECRET_KEY_FALLBACKS_FILE"]
    run.start()
    run.wait_host()
    assert "Kept" in browser.get("/provisioning/environment/applications/").text
    assert run.command_line("verify_history").stdout.startswith("History is whole")
    run.wait_status("Kept", "Started")
    run.manage("stop", "Kept", "--wait")


def _nothing_on_a_command_line(run, *given):
    broker = (run.data_dir / "broker_password").read_text().strip()
    lines = wait_for(command_lines, 5).decode(errors="replace")
    assert str(run.data_dir) in lines
    for secret in (*given, PASSWORD, broker):
        assert secret not in lines


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda path: path.chmod(0o644), "which others can read or write. Run: chmod 600"),
    (lambda path: path.write_text(""), "which is empty"),
    (Path.unlink, "which is not there"),
], ids=["readable by others", "empty", "missing"])
def test_a_file_that_cannot_be_taken_is_a_sentence_of_every_process(make_pairwise, files, change, sentence):
    run = make_pairwise(PAIRWISE_SECRET_KEY_FILE=files("key", "x" * 40))
    change(Path(run.environment["PAIRWISE_SECRET_KEY_FILE"]))
    assert sentence in refusal(run)
    for command in (("manage.py", "check"), ("-m", "console.web"), ("-m", "console.worker")):
        said = ended(run, *command)
        assert (sentence in said, said.count("\n")) == (True, 1)


def test_a_secret_that_is_given_twice_is_refused(make_pairwise, files):
    run = make_pairwise(PAIRWISE_SECRET_KEY_FILE=files("key", "x" * 40), PAIRWISE_SECRET_KEY="y" * 40)
    assert refusal(run) == "PAIRWISE_SECRET_KEY and PAIRWISE_SECRET_KEY_FILE are both set: unset one of them."
