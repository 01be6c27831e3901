"""The journal, the reports' numbers, the cancel, the start files, the configuration: what a job stands on."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostagent.config import ConfigError, load
from hostagent.files import keep_bounded, read_json, tail
from hostagent.jobs.cancel import Cancellation
from hostagent.jobs.errors import JobCancelled
from hostagent.jobs.frame import final_report
from hostagent.jobs.janitor import Janitor
from hostagent.jobs.journal import KEEP_S, Journal, is_job_id
from hostagent.jobs.reporter import LINES_LIMIT, LINES_PER_REPORT, Outbox, Reporter
from hostagent.jobs.startfiles import run_sh, start_server_bat
from protocol.files import write_atomically
from protocol.jobs import sign_report
from protocol.patience import HELD_S
from protocol.start_line import arguments_of, command_line_arguments

from .doubles import PROJECT, items_of, write_config

JOB = "0f9f4c2e-0000-4000-8000-000000000001"


@pytest.fixture
def entry(tmp_path):
    entry = Journal(tmp_path).open(JOB)
    entry.claim("install", "MS", {"pid": 1, "started": 2})
    yield entry
    entry.close()


class Console:
    """Receives reports; ``away`` makes sending fail, after the report went out when ``half`` is set."""

    def __init__(self):
        self.heard, self.away, self.half = [], False, False

    def __call__(self, report, signature):
        assert signature == sign_report("secret", report)
        if not self.away or self.half:
            self.heard.append(json.loads(json.dumps(report)))
        if self.away:
            raise ConnectionError("the broker is away")


def outbox(entry, console):
    return Outbox(entry, host="h", secret="secret", send=console)


def numbers(console):
    return [report["seq"] for report in console.heard]


# --- journal ---------------------------------------------------------------------------------------


def test_a_job_is_locked_while_it_is_worked_on_and_known_afterwards(tmp_path):
    journal = Journal(tmp_path)
    first = journal.open(JOB)
    assert first.body == {}
    assert journal.open(JOB) is None
    first.claim("install", "MS", {})
    first.close()
    second = journal.open(JOB)
    assert second.body["state"] == "working"
    with pytest.raises(FileExistsError):
        second.claim("install", "MS", {})
    second.close()


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    code = ("import sys, pathlib\nfrom hostagent.jobs.journal import Journal\n"
            f"entry = Journal(pathlib.Path(sys.argv[1])).open('{JOB}')\nentry.claim('install', 'MS', {{}})\n"
            "print('claimed', flush=True)\nsys.stdin.read()\n")
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=PROJECT, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "claimed\n"
    assert Journal(tmp_path).open(JOB) is None
    child.kill()
    child.communicate()
    entry = Journal(tmp_path).open(JOB)
    assert entry.body["state"] == "working"
    entry.close()


def test_a_claim_that_was_never_finished_counts_as_claimed(tmp_path):
    (tmp_path / f"{JOB}.json").write_text("")
    entry = Journal(tmp_path).open(JOB)
    assert entry.body["state"] == "working"
    entry.close()


def test_old_finished_jobs_are_forgotten_and_unfinished_ones_never(tmp_path):
    journal = Journal(tmp_path)
    for number, state in enumerate(["finished", "working", "finished"]):
        entry = journal.open(f"job-number-{number}")
        entry.claim("stop", "MS", {})
        entry.at_step(0)
        entry.save(state=state)
        entry.close()
    os.utime(tmp_path / "job-number-2.json", (time.time() + KEEP_S, time.time() + KEEP_S))
    assert journal.prune(time.time() + KEEP_S + 1) == 1
    assert journal.jobs() == ["job-number-1", "job-number-2"]
    assert not list(tmp_path.glob("job-number-0*"))


def test_a_clock_that_jumps_ahead_forgets_no_job(tmp_path, monkeypatch):
    entry = Journal(tmp_path).open(JOB)
    entry.claim("stop", "MS", {})
    entry.save(state="finished")
    entry.close()
    real = [1.0]
    ahead = SimpleNamespace(time=lambda: time.time() + 2 * KEEP_S, monotonic=lambda: real[0])
    monkeypatch.setattr("hostagent.jobs.janitor.time", ahead)
    monkeypatch.setattr("hostagent.jobs.janitor.deliver_final", lambda *_: True)
    journal = Journal(tmp_path)
    janitor = Janitor(SimpleNamespace(journal=journal))
    janitor.look()
    assert journal.jobs() == [JOB]
    real[0] += HELD_S
    janitor.look()
    assert journal.jobs() == []


def test_looking_at_a_job_that_was_forgotten_meanwhile_leaves_it_unlocked(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    monkeypatch.setattr(journal, "jobs", lambda: [JOB])
    monkeypatch.setattr(journal, "prune", lambda now: 0)
    Janitor(SimpleNamespace(journal=journal)).look()
    assert journal.open(JOB) is not None


def test_a_full_disk_does_not_fail_a_step(tmp_path):
    entry = Journal(tmp_path).open(JOB)
    entry.claim("install", "MS", {})
    entry.journal.step_path(JOB).symlink_to("/dev/full")
    entry.at_step(3)
    assert entry.body["step"] == 3
    entry.close()


def test_the_step_that_was_worked_on_is_known_afterwards(tmp_path):
    entry = Journal(tmp_path).open("job-number-1")
    entry.claim("install", "MS", {})
    entry.at_step(3)
    entry.close()
    for left_on_disk, step in ((None, 3), ("", -1)):
        if left_on_disk is not None:
            (tmp_path / "job-number-1.step").write_text(left_on_disk)
        again = Journal(tmp_path).open("job-number-1")
        assert again.body["step"] == step
        again.close()


@given(st.text(max_size=80))
def test_a_job_id_can_never_leave_the_journals_directory(text):
    assert not is_job_id(text) or (text.isascii() and not set(text) & set("/.\\\0 \n"))


# --- reports ---------------------------------------------------------------------------------------


def test_reports_are_numbered_signed_and_log_lines_are_batched(entry):
    console = Console()
    reporter = Reporter(outbox(entry, console))
    reporter.start()
    reporter.claimed("worker@h")
    for number in range(100):
        reporter.log(f"line {number}")
    reporter.step(0, "done")
    assert reporter.finish({"state": "succeeded"})
    assert numbers(console) == list(range(1, len(console.heard) + 1))
    said = items_of(console.heard)
    assert [item["kind"] for item in said][-2:] == ["step", "finished"]
    lines = [line[2] for report in said if report["kind"] == "log" for line in report["lines"]]
    assert lines == [f"line {number}" for number in range(100)]
    assert len(console.heard) < 4


def test_what_waits_travels_together_in_order_and_the_last_word_alone(entry):
    console = Console()
    box = outbox(entry, console)
    box.add("claimed", worker="w")
    box.add("step", number=0, state="running")
    box.add("log", lines=[[1, "info", "a"]])
    box.add("step", number=0, state="done")
    box.add("finished", state="succeeded")
    box.send_all()
    assert [report["kind"] for report in console.heard] == ["several", "finished"]
    assert [item["kind"] for item in console.heard[0]["items"]] == ["claimed", "step", "log", "step"]


def test_a_report_holds_no_more_lines_than_it_may(entry):
    console = Console()
    box = outbox(entry, console)
    for number in range(3):
        box.add("log", lines=[[1, "info", "a"]] * (LINES_PER_REPORT - 10))
        box.add("step", number=number, state="done")
    box.send_all()
    assert [len(items_of([report])) for report in console.heard] == [2, 2, 2]


@pytest.mark.parametrize("half", [False, True])
def test_what_could_not_be_sent_is_sent_by_a_successor_under_the_same_numbers(entry, half):
    console = Console()
    first = outbox(entry, console)
    first.add("claimed", worker="w")
    first.send_all()
    console.away, console.half = True, half
    first.add("step", number=0, state="running")
    first.add("finished", state="succeeded")
    with pytest.raises(ConnectionError):
        first.send_all()
    first.keep()
    console.away = False
    second = outbox(entry, console)
    assert second.knows_final
    second.send_all()
    assert numbers(console) == ([1, 2, 2, 3] if half else [1, 2, 3])
    assert console.heard[-2] == console.heard[1] if half else True
    third = outbox(entry, console)
    assert (third.empty, third.knows_final) == (True, True)
    third.send_final_again()
    assert console.heard[-1] == console.heard[-2]


def test_log_lines_are_bounded_while_the_broker_is_away_and_the_gap_is_told(entry):
    box = outbox(entry, Console())
    for number in range(LINES_LIMIT + 2000):
        box.add("log", lines=[[0.0, "info", f"line {number}"]])
    box.add("finished", state="succeeded")
    kept = [line[2] for item in box.waiting if item["kind"] == "log" for line in item["lines"]]
    assert len(kept) <= LINES_LIMIT + 1
    assert "log lines were dropped" in kept[0]
    assert kept[-1] == f"line {LINES_LIMIT + 1999}"
    assert box.waiting[-1]["kind"] == "finished"


def test_a_reporter_whose_broker_is_away_keeps_everything_on_disk(entry):
    console = Console()
    console.away = True
    reporter = Reporter(outbox(entry, console))
    reporter.start()
    reporter.log("a line")
    assert not reporter.finish({"state": "failed"})
    console.away = False
    outbox(entry, console).send_all()
    assert [report["kind"] for report in console.heard] == ["log", "finished"]


# --- cancel ----------------------------------------------------------------------------------------


def cancel():
    os.kill(os.getpid(), signal.SIGUSR1)


def test_a_cancel_interrupts_the_work_once():
    with Cancellation() as cancellation:
        with pytest.raises(JobCancelled), cancellation.open():
            cancel()
        cancel()
        assert cancellation.requested


def test_a_cancel_before_the_work_ends_it_at_its_beginning():
    with Cancellation() as cancellation:
        cancel()
        with pytest.raises(JobCancelled), cancellation.open():
            pytest.fail("the work began")


def test_a_shielded_section_is_finished_before_the_cancel():
    done = []

    def work(cancellation):
        with cancellation.open():
            with cancellation.shield():
                cancel()
                done.append("moved")
            done.append("went on")

    with Cancellation() as cancellation, pytest.raises(JobCancelled):
        work(cancellation)
    assert done == ["moved"]


def test_a_cancel_that_comes_twice_does_not_hit_what_comes_after_the_job():
    before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    try:
        with Cancellation() as cancellation, pytest.raises(JobCancelled), cancellation.open():
            cancel()
        cancel()
    finally:
        signal.signal(signal.SIGUSR1, before)


# --- start files -----------------------------------------------------------------------------------

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)


def test_a_name_with_blanks_is_in_double_quotes_as_in_the_guide():
    assert command_line_arguments("h", 2020, "MS_Primary") == "-host h -port 2020 -app MS_Primary"
    assert command_line_arguments("h", 2020, "MS Primary") == '-host h -port 2020 -app "MS Primary"'
    assert start_server_bat("h", 1, "50% MS").splitlines()[-1] == 'MessageServer.exe -host h -port 1 -app "50%% MS"'


@given(NAMES)
def test_whatever_the_name_the_agent_reads_the_arguments_back(name):
    assert shlex.split(command_line_arguments("h", 2020, name)) == arguments_of("h", 2020, name)


@pytest.mark.parametrize("name", ["plain", "with blanks", "$(touch x) `touch x`", "it's \"quoted\" \\ \\n", "; ls",
                                  "-x"])
def test_run_sh_gives_the_server_exactly_the_name(tmp_path, name):
    directory = tmp_path / "a directory"
    directory.mkdir()
    write_atomically(directory / "run.sh", run_sh("h", 2020, name).encode(), mode=0o750)
    echo = b'#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done; pwd\n'
    write_atomically(directory / "MessageServer", echo, mode=0o755)
    done = subprocess.run(["sh", str(directory / "run.sh")], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout == "\n".join([*arguments_of("h", 2020, name), str(directory)]) + "\n"
    assert sorted(path.name for path in directory.iterdir()) == ["MessageServer", "run.sh"]


@pytest.mark.parametrize("place", ["MS", "-MS", "MS [log] $HOME"])
def test_run_sh_starts_the_server_beside_it_whatever_the_cdpath(tmp_path, place):
    for above in ("here", "there"):
        directory = tmp_path / above / place
        directory.mkdir(parents=True)
        write_atomically(directory / "run.sh", run_sh("h", 2020, "MS").encode(), mode=0o750)
        write_atomically(directory / "MessageServer", b"#!/bin/sh\npwd\n", mode=0o755)
    done = subprocess.run(["sh", "--", f"{place}/run.sh"], cwd=tmp_path / "here", capture_output=True, text=True,
                          check=True, env={**os.environ, "CDPATH": str(tmp_path / "there")})
    assert done.stdout == f"{tmp_path / 'here' / place}\n"


def test_no_shell_text_changes_its_directory_by_a_cdpath():
    """The kind: a launcher, a script or a line that people are told to type, where ``cd`` may go elsewhere."""
    root = Path(__file__).resolve().parents[2]
    texts = [path for folder in ("hostagent", "messageserver", "provisioning", "console", "deploy", "docs", "templates",
                                 "bench")
             for path in (root / folder).rglob("*") if path.suffix in (".py", ".md", ".html", ".service", ".yaml")]
    changes = re.compile(r"(?<![\w./-])cd (?!/d )(?=[^ ])(.*)")
    found = [f"{path.relative_to(root)}: {line.strip()}" for path in [*texts, root / "README.md", root / "run"]
             for line in path.read_text().splitlines()
             if (match := changes.search(line)) and "CDPATH=" not in line and not match[1].startswith(("./", "/", "~"))]
    assert found == []


# --- configuration and files -----------------------------------------------------------------------


def test_the_configuration_is_read_and_its_secrets_do_not_show(tmp_path):
    path = write_config(tmp_path, broker_url="redis://:password@h/0")
    config = load(path, {})
    assert "password" not in repr(config)
    assert config.secret not in repr(config)
    assert load(path, {"PAIRWISE_BROKER_URL": "redis://other/0"}).broker_url == "redis://other/0"


@pytest.mark.parametrize(("change", "sentence"), [
    ({"lca_port": 70000}, "lca_port is not a port"), ({"control": []}, "lists no Configuration Server"),
    ({"state_dir": "relative"}, "state_dir is not an absolute path"), ({"secret": ""}, "must not be empty"),
    ({"console_url": "ftp://x"}, "no http or https"), ({"console_url": "https:///"}, "no http or https"),
    ({"control": [{"host": "h"}]}, "port is missing")])
def test_a_wrong_configuration_is_told_in_a_sentence(tmp_path, change, sentence):
    with pytest.raises(ConfigError, match=sentence):
        load(write_config(tmp_path, **change), {})


def test_a_configuration_that_others_can_read_is_refused(tmp_path):
    path = write_config(tmp_path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(path, {})


def test_a_missing_or_broken_configuration_is_told_in_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.json", {})
    (tmp_path / "agent.json").write_text("{")
    with pytest.raises(ConfigError, match="is not JSON"):
        load(tmp_path / "agent.json", {})


def test_a_log_is_bounded_while_its_writer_goes_on(tmp_path):
    log = tmp_path / "server.log"
    with open(log, "a") as writer:
        writer.write("old line\n" * 1000)
        writer.flush()
        keep_bounded(log, limit=1000)
        writer.write("new line\n")
        writer.flush()
    assert log.read_text() == "new line\n"
    assert (tmp_path / "server.log.1").stat().st_size == 250
    assert tail(log, start=9000) == ["new line"]


def test_an_interrupted_write_leaves_the_old_content(tmp_path):
    write_atomically(tmp_path / "f.json", b'{"a": 1}')
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "f.json", "text is not bytes")
    assert read_json(tmp_path / "f.json") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["f.json"]


def test_whatever_a_job_says_can_be_written_down_logged_and_sent(tmp_path):
    name = b"!\xff".decode("utf-8", "surrogateescape")
    final = final_report("failed", f"/srv/ms holds {name}.", name, result={name: [name, float("nan"), 10**400, "a\0b"]})
    assert final["reason"] == "/srv/ms holds !�."
    assert final["result"] == {"!�": ["!�", None, None, "a�b"]}
    sent = []
    entry = Journal(tmp_path).open("9c1f4a34-9f3e-4d6c-8f57-2f1f2f1c8e11")
    outbox = Outbox(entry, host="alpha", secret="s", send=lambda report, signature: sent.append(report))
    reporter = Reporter(outbox)
    reporter.start()
    reporter.claimed(name)
    reporter.log(f"It met {name}.")
    assert reporter.finish(final)
    assert "It met !�." in json.dumps(sent, ensure_ascii=False).encode().decode()
