"""A start while nothing is decided about the server's pair: the job fails with the way out, the server stays."""

import contextlib
from types import SimpleNamespace

import pytest

from hostagent.jobs import restart, start
from hostagent.jobs.errors import JobFailed


class Client:
    """The agent as the job sees it."""

    calls: list[str] = []

    def __init__(self, config):
        pass

    def call(self, verb: str, arguments: dict) -> dict:
        self.calls.append(verb)
        return {"start": {"pid": 42}, "wait_started": {
            "pid": 42, "mode": "", "disputed": "An older control database was put back."}}.get(verb, {})


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(start, "LcaClient", Client)
    monkeypatch.setattr(Client, "calls", [])
    notes: dict = {}
    return SimpleNamespace(
        context=SimpleNamespace(config=None), arguments={}, application="MS", notes=notes, note=notes.update,
        log=lambda *_: None, step=lambda _: contextlib.nullcontext(), shield=contextlib.nullcontext,
        entry=SimpleNamespace(body={"notes": notes, "application": "MS"}))


@pytest.mark.parametrize("kind", [start, restart])
def test_the_job_fails_with_the_way_out_and_leaves_the_server_running(run, kind):
    with pytest.raises(JobFailed) as caught:
        start.work(run)
    assert caught.value.reason == "MS runs (pid 42) and waits: An older control database was put back."
    assert "Restored Database" in caught.value.advice
    run.note(asked=True)  # as the stop of a restart notes it
    assert kind.undo(run.context, run.entry, lost=False) == ""
    assert "cancel_start" not in Client.calls


def test_a_start_that_was_cancelled_before_is_still_stopped_again(run):
    run.note(pid=42)
    start.undo(run.context, run.entry, lost=False)
    assert Client.calls == ["cancel_start"]
