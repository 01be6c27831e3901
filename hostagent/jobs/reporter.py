"""Reports of a job to the console: numbered without gaps, batched, sent in the background, kept until they went out.

A report is written to the journal before it is first sent. A successor that finds it sends it again under the
same number, which the console ignores, and goes on with the next: no gap, and no number with two meanings.
"""

import errno
import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from protocol.jobs import ALIVE_S, sign_report
from protocol.pauses import doubling

from ..files import read_json
from ..kept import KeptFile
from .journal import Entry

log = logging.getLogger(__name__)

BATCH_S, LONGEST_BATCH_S = 0.25, 1.0
"""What a job says within so long travels together: at first little, so that a short job is followed step by step; then
twice as long with each report, because a hundred hosts that are busy for long would keep the console busier still."""
FIRST_RETRY_S, LONGEST_RETRY_S = 0.5, 5.0
LINES_LIMIT, LINES_PER_REPORT = 5000, 500
LINE_LIMIT = 2000

Send = Callable[[dict[str, Any], str], None]
"""Sends (report, signature) to the console queue; raises when the broker cannot be reached."""


class Outbox:
    """Reports of one job not yet sent, in order; an item is a report without number.

    Kept in the journal's directory: {"seq", "sending": report or None, "waiting": [items], "final": the finished
    report once it was sent, else None}.
    """

    def __init__(self, entry: Entry, *, host: str, secret: str, send: Send):
        self._job, self._file = entry.job, KeptFile(entry.outbox_path)
        self._host, self._secret, self._send = host, secret, send
        kept = read_json(entry.outbox_path) or {}
        self.seq: int = kept.get("seq", 0)
        self.sending: dict[str, Any] | None = kept.get("sending")
        self.waiting: list[dict[str, Any]] = kept.get("waiting", [])
        self.final: dict[str, Any] | None = kept.get("final")
        self.dropped = 0

    @property
    def empty(self) -> bool:
        return self.sending is None and not self.waiting

    @property
    def knows_final(self) -> bool:
        """True when the finished report waits, is being sent or was sent."""
        last = self.waiting[-1] if self.waiting else self.sending
        return self.final is not None or (last is not None and last["kind"] == "finished")

    def add(self, kind: str, **fields: Any) -> None:
        """Queue one report. Log lines join the batch before them."""
        last = self.waiting[-1] if self.waiting else None
        if kind == "log" and last and last["kind"] == "log" and len(last["lines"]) < LINES_PER_REPORT:
            last["lines"].extend(fields["lines"])
        else:
            self.waiting.append({"kind": kind, "at": round(time.time(), 3), **fields})
        self._bound()

    def send_all(self) -> None:
        """Send everything that waits; raises when the broker cannot be reached, having kept what was not sent, and
        when that is impossible: a number that is not on disk could get a second meaning."""
        while not self.empty:
            if self.sending is None:
                self.seq += 1
                self.sending = {"job": self._job, "host": self._host, "seq": self.seq, **self._next()}
                self.keep()
            if not self._file.settle():
                raise OSError(errno.ENOSPC, "a report cannot be written before it is sent")
            self._deliver(self.sending)
            if self.sending["kind"] == "finished":
                self.final = self.sending
                self.keep()
            self.sending = None

    def _next(self) -> dict[str, Any]:
        """What the next report says: what waits, together; its last word alone, because that may be repeated."""
        taken, lines = [self.waiting.pop(0)], 0
        while self.waiting and "finished" not in (taken[-1]["kind"], self.waiting[0]["kind"]):
            lines += len(taken[-1].get("lines", ()))
            if lines + len(self.waiting[0].get("lines", ())) > LINES_PER_REPORT:
                break
            taken.append(self.waiting.pop(0))
        return taken[0] if len(taken) == 1 else {"kind": "several", "at": taken[-1]["at"], "items": taken}

    def send_final_again(self) -> None:
        """Repeat the finished report under its number; raises when the broker cannot be reached."""
        if self.final is not None:
            self._deliver(self.final)

    def keep(self) -> None:
        """Write what waits to disk, with the report being sent: a successor repeats it, it never skips one."""
        body = {"seq": self.seq, "sending": None if self.final else self.sending, "waiting": self.waiting,
                "final": self.final}
        self._file.keep(json.dumps(body, separators=(",", ":")).encode())

    def _deliver(self, report: dict[str, Any]) -> None:
        self._send(report, sign_report(self._secret, report))

    def _bound(self) -> None:
        logs = [item for item in self.waiting if item["kind"] == "log"]
        surplus = sum(len(item["lines"]) for item in logs) - LINES_LIMIT
        for item in logs:
            if surplus <= 0:
                return
            cut = min(surplus, len(item["lines"]))
            surplus -= cut
            self.dropped += cut
            item["lines"][:cut] = [[item["at"], "warning", f"{self.dropped} log lines were dropped here: the "
                                                            "console could not be reached."]]
            surplus += 1 if surplus > 0 else 0


class Reporter:
    """The thread that sends one job's reports while the job works. Its methods never block the job."""

    def __init__(self, outbox: Outbox):
        self._outbox = outbox
        # A SimpleQueue may be used from code that a signal interrupts.
        self._items: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)
        self._last_sent = time.monotonic()
        self._batches = doubling(BATCH_S, LONGEST_BATCH_S)
        self._batch_s = next(self._batches)
        self._complete = False

    def start(self) -> None:
        self._thread.start()

    def claimed(self, worker: str) -> None:
        self._items.put(("claimed", {"worker": worker}))

    def step(self, number: int, state: str) -> None:
        self._items.put(("step", {"number": number, "state": state}))

    def log(self, text: str, level: str = "info") -> None:
        self._items.put(("log", {"lines": [[round(time.time(), 3), level, text[:LINE_LIMIT]]]}))

    def finish(self, final: dict[str, Any]) -> bool:
        """Send what is left and the finished report; False when some of it still waits (it is on disk).

        Takes as long as one attempt to reach the broker.
        """
        self._items.put(("finished", final))
        self._thread.join()
        return self._outbox.empty

    def _run(self) -> None:
        retries, retry_at = doubling(FIRST_RETRY_S, LONGEST_RETRY_S), 0.0
        while not self._complete:
            self._collect()
            if not self._outbox.empty and (self._complete or time.monotonic() >= retry_at):
                try:
                    self._outbox.send_all()
                    self._last_sent, retries = time.monotonic(), doubling(FIRST_RETRY_S, LONGEST_RETRY_S)
                    self._batch_s = next(self._batches)
                except Exception as error:
                    log.warning("Reports of a job wait for the broker: %s", type(error).__name__)
                    retry_at = time.monotonic() + next(retries)
                    self._outbox.keep()
            if self._outbox.empty and time.monotonic() - self._last_sent >= ALIVE_S:
                self._outbox.add("alive")

    def _collect(self) -> None:
        """Take what the job says while a batch lasts; its last word ends the wait."""
        until = time.monotonic() + self._batch_s
        while (left := until - time.monotonic()) > 0:
            try:
                kind, fields = self._items.get(timeout=left)
            except queue.Empty:
                return
            self._outbox.add(kind, **fields)
            if kind == "finished":
                self._complete = True
                return
