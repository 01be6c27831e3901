"""The journal, the reports' numbers, the cancel: what a job stands on."""

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostagent.jobs.cancel import Cancellation
from hostagent.jobs.errors import JobCancelled
from hostagent.jobs.frame import final_report
from hostagent.jobs.janitor import Janitor
from hostagent.jobs.journal import KEEP_S, Journal, is_job_id
from hostagent.jobs.reporter import LINES_LIMIT, LINES_PER_REPORT, Outbox, Reporter
from protocol.jobs import sign_report
from protocol.patience import HELD_S

from .doubles import PROJECT, items_of

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
