"""What this host did with each job, on disk: a job is worked on once, whoever delivers it and however often."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import read_json, write_json

KEEP_S = 72 * 3600.0
"""Longer than the broker can deliver a job again (24 h) and than a job is accepted at all (48 h)."""
KEEP_FILES = 5000
_JOB_ID = re.compile(r"[0-9a-zA-Z-]{8,64}")


def is_job_id(value: object) -> bool:
    """True when ``value`` can name files in the journal."""
    return isinstance(value, str) and _JOB_ID.fullmatch(value) is not None


@dataclass
class Entry:
    """One job, locked while this object is open: nobody else works on it, and a lock that can be taken proves
    that nobody does. ``body`` is {job, kind, application, state: working|finished, step, process {pid, started},
    notes {...}, final {state, reason, advice, reference, result}}, {} for a job that is new."""

    journal: "Journal"
    job: str
    body: dict[str, Any]
    lock: int

    @property
    def path(self) -> Path:
        return self.journal.directory / f"{self.job}.json"

    @property
    def outbox_path(self) -> Path:
        return self.journal.directory / f"{self.job}.outbox"

    def at_step(self, number: int) -> None:
        """Remember which step is worked on. It is only told to people, so it need not be on the disk: it outlives this
        process, not a power cut, and a disk that does not take it fails no job."""
        self.body["step"] = number
        with contextlib.suppress(OSError):
            self.journal.step_path(self.job).write_text(str(number))

    def claim(self, kind: str, application: str, process: dict[str, Any]) -> None:
        """Take the job. Raises FileExistsError when it was taken before."""
        self.body = {"job": self.job, "kind": kind, "application": application, "state": "working", "step": -1,
                     "process": process, "notes": {}, "claimed_at": time.time()}
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            json.dump(self.body, file)
            file.flush()
            os.fsync(file.fileno())

    def save(self, **changes: Any) -> None:
        self.body.update(changes)
        write_json(self.path, self.body)

    def note(self, **notes: Any) -> None:
        """Remember what a roll back needs, before the step that makes it necessary."""
        self.body["notes"].update(notes)
        self.save()

    def close(self) -> None:
        # Unlocked, not only closed: a pool child that was forked meanwhile holds the same open file.
        fcntl.flock(self.lock, fcntl.LOCK_UN)
        os.close(self.lock)


class Journal:
    """One JSON and one lock file per job in ``directory``, while it is worked on beside them its step."""

    def __init__(self, directory: Path):
        self.directory = directory

    def open(self, job: str) -> Entry | None:
        """The entry of ``job``, locked; None while another process works on it. ``body`` {}: a new job."""
        lock = os.open(self.directory / f"{job}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return None
        path = self.directory / f"{job}.json"
        body = read_json(path)
        if body is None and path.exists():
            # Claimed, but the process died before the claim was whole.
            body = {"job": job, "kind": "", "application": "", "state": "working", "step": -1, "process": {},
                    "notes": {}, "claimed_at": time.time()}
        if body is not None:
            body["step"] = max(body["step"], self._step(job))
        return Entry(self, job, body or {}, lock)

    def step_path(self, job: str) -> Path:
        return self.directory / f"{job}.step"

    def _step(self, job: str) -> int:
        try:
            return int(self.step_path(job).read_text())
        except (OSError, ValueError):
            return -1

    def overtaken_by(self, payload: dict[str, Any]) -> str:
        """The job of the same application that was signed later and is done already, "" for none.

        By number and by time: a console whose clock was set back goes on in number, one whose database was restored
        goes on in time.
        """
        kept, number = read_json(self._of(payload["application"], "newest")) or {}, payload.get("number")
        if not isinstance(number, int) or number >= kept.get("number", 0):
            return ""
        return kept["job"] if payload["issued_at"] < kept["issued_at"] else ""

    def note_order(self, payload: dict[str, Any]) -> None:
        """Remember ``payload`` as the newest job of its application that this host took."""
        if isinstance(payload.get("number"), int):
            write_json(self._of(payload["application"], "newest"),
                       {name: payload[name] for name in ("application", "job", "number", "issued_at")})

    def _of(self, application: str, suffix: str) -> Path:
        return self.directory / f"{hashlib.sha256(application.encode()).hexdigest()[:32]}.{suffix}"

    @contextlib.contextmanager
    def alone(self, application: str) -> Iterator[bool]:
        """True when no other job works on ``application``, and none does until the end of the block: the console may
        have given up a job that still runs here, and started another one."""
        lock = os.open(self._of(application, "working"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            try:
                yield True
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)
        finally:
            os.close(lock)

    def jobs(self) -> list[str]:
        """Ids of all jobs in the journal, oldest first."""
        def age(path: Path) -> float:
            try:
                return path.stat().st_mtime
            except OSError:
                return 0.0

        paths = [path for path in self.directory.glob("*.json") if is_job_id(path.stem)]
        return [path.stem for path in sorted(paths, key=age)]

    def prune(self, now: float) -> int:
        """Forget finished jobs older than KEEP_S at ``now``, and the oldest beyond KEEP_FILES; returns how many."""
        jobs, forgotten = self.jobs(), 0
        for number, job in enumerate(jobs):
            path = self.directory / f"{job}.json"
            surplus = number < len(jobs) - KEEP_FILES
            if not surplus and now - path.stat().st_mtime < KEEP_S:
                continue
            entry = self.open(job)
            if entry is None:
                continue
            try:
                if entry.body and entry.body["state"] == "finished":
                    for suffix in ("outbox", "step", "json", "lock"):
                        (self.directory / f"{job}.{suffix}").unlink(missing_ok=True)
                    forgotten += 1
            finally:
                entry.close()
        return forgotten
