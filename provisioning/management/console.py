"""What the console's commands share: refusals as sentences, exit codes, JSON, and following a job."""

import abc
import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from protocol.said import is_legible, legible
from provisioning.applications.selectors.applications import find_application, get_application
from provisioning.core.control import control_seen
from provisioning.core.database_trouble import ADVICE, CONFIGURATION, InTrouble, Trouble
from provisioning.core.database_version import trouble_with, version_trouble
from provisioning.core.permissions import Actor, command_line_actor
from provisioning.errors import Conflict, NotFound, PairwiseError, Refusal, Refused, Unanswered
from provisioning.jobs.rules.awaited import Awaited, as_told
from provisioning.jobs.selectors.awaited import awaited
from provisioning.jobs.selectors.jobs import get_job, job_lines
from provisioning.jobs.selectors.waiting import STANDS_S
from provisioning.models import Application, Job
from provisioning.states import JobState

from .following import Following

OK, FAILED, REFUSED, BUSY, INTERRUPTED = 0, 1, 2, 3, 130
POLL_S = 0.1
SETTLE_S = 10.0
"""After a start or stop, control's word on the status follows within moments."""


class ServiceCommand(BaseCommand, abc.ABC):
    """Calls services: exit code 0 done, 1 it failed or nobody answered, 2 refused with sentences on stderr, ``busy``
    when the Configuration Database was busy or away, so that nothing is known and trying again makes sense. Nothing is
    done with a database of another version, but by those that are not ``of_this_version``."""

    requires_system_checks = []
    command_name = ""
    busy = BUSY
    of_this_version = True

    @property
    def actor(self) -> Actor:
        return command_line_actor(self.command_name)

    def add_json(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="Print one JSON object on stdout.")

    def handle(self, *args, **options):
        as_json = options.get("as_json", False)
        try:
            _refuse_unreadable(options)
            if self.of_this_version and (other := version_trouble()):
                raise InTrouble(other)
            code = self.run(**options)
        except PairwiseError as error:
            self.refused(error, as_json=as_json)
            code = FAILED if isinstance(error, Unanswered) else REFUSED
        except (DatabaseError, InTrouble) as error:
            trouble = trouble_with(error)
            if trouble is None:
                raise
            self.refused(Refused(_sentence(trouble), *_notes(error)), as_json=as_json)
            code = REFUSED if trouble.code in ADVICE else self.busy
        except KeyboardInterrupt as stop:
            for note in _notes(stop):
                self.stderr.write(note)
            code = INTERRUPTED
        if code:
            sys.exit(code)

    @abc.abstractmethod
    def run(self, *args: Any, **options: Any) -> int:
        """The command's work, which names the options that it has; returns the exit code."""

    def agreed(self, question: str, *, otherwise: str, can_ask: bool = True) -> bool:
        """Ask on the terminal; ``otherwise`` says what to do where nobody can be asked."""
        if not can_ask or not sys.stdin.isatty():
            self.stderr.write(f"Nothing was changed: nobody is there to ask. {otherwise}")
            return False
        self.stdout.write(f"{question} [y/N] ", ending="")
        self.stdout.flush()
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return True
        self.stderr.write("Nothing was changed.")
        return False

    def refused(self, error: PairwiseError, *, as_json: bool) -> None:
        rows = [{"field": r.field, "message": r.message} for r in getattr(error, "refusals", ())] or [
            {"field": "", "message": str(error)}]
        rows += [{"field": "", "message": note} for note in _notes(error)]
        if isinstance(error, Conflict):
            rows += [{"field": d.field, "message": f"{d.label}: {d.theirs} → {d.yours}"} for d in error.differences]
        for row in rows:
            self.stderr.write(row["message"])
        if as_json:
            self.print_json({"refusals": rows})

    def print_json(self, body: dict) -> None:
        self.stdout.write(json.dumps(body, ensure_ascii=False, indent=2, default=str))


def one_of(option: str, word: str, words: Sequence[str]) -> str:
    """``word``. Raises Refused unless it is one of ``words``."""
    if word not in words:
        raise Refused(Refusal(f'--{option}: "{word}" is none of {", ".join(words)}. Write one of them.', option))
    return word


def _refuse_unreadable(options: dict) -> None:
    """Arguments in other bytes than those of this system's characters. Raises Refused."""
    for each in options.values():
        for word in each if isinstance(each, (list, tuple)) else (each,):
            if isinstance(word, str) and not is_legible(word):
                raise Refused(f"The argument {legible(word, 80)} holds bytes that are no characters. Type it in UTF-8.")


def _sentence(trouble: Trouble) -> str:
    """What is wrong and what to do. Whoever looks into the wrong directory sees which one: a database that is a file is
    named, the address of another one is a secret."""
    if trouble.code not in ADVICE:
        return f"{trouble.sentence} Try again later."
    where = f" in {connection.settings_dict['NAME']}" if connection.vendor == "sqlite" else ""
    return f"{trouble.sentence_of(CONFIGURATION + where)} {ADVICE[trouble.code]}"


def _notes(error: BaseException) -> list[str]:
    """What work that stopped half way says of how far it came."""
    return getattr(error, "__notes__", [])


class JobCommand(ServiceCommand):
    """Creates a job of one application and, with --wait, follows it to its end."""

    settled: frozenset[str] = frozenset()
    """Statuses in which the application is once a succeeded job has its effect; empty when there is none."""

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="Name of the application.")
        parser.add_argument("--wait", action="store_true", help="Follow the job's log until it has ended.")
        parser.add_argument("--timeout", type=float, default=3600.0, metavar="SECONDS",
                            help="Stop waiting after so long (default %(default)s); the job goes on.")
        self.add_json(parser)

    @abc.abstractmethod
    def create(self, application: Application, *args: Any, **options: Any) -> Job:
        """Call the service."""

    def run(self, *, name, wait, timeout, as_json, **options) -> int:
        job = self.create(find_application(name), **options)
        code = self.handed_over(job)
        if code == OK and wait:
            try:
                code = self.follow(job, timeout, quiet=as_json)
            except KeyboardInterrupt as stop:
                stop.add_note(f"{job} goes on; see job {job.pk}.")
                raise
        job = get_job(job.pk)
        if as_json:
            self.print_json(self.describe(job))
        elif code == OK:
            self.stdout.write(f"{job} on {job.host_name}: {'succeeded' if wait else f'queued as job {job.pk}'}.")
        return code

    def handed_over(self, job: Job) -> int:
        if job.enqueued_at is None and job.state == JobState.QUEUED:
            self.stderr.write(f"{job.reason} {job.advice} (job {job.pk})")
            return FAILED
        return OK

    def follow(self, job: Job, within_s: float, *, quiet: bool) -> int:
        shown, deadline = 0, time.monotonic() + within_s
        following = Following(self.stderr if quiet else self.stdout)
        following.begin(f"{job} on {job.host_name} is job {job.pk}", within_s)
        while True:
            job = get_job(job.pk)
            is_over = following.look(job.get_state_display(), partial(_awaited, job))
            for line in job_lines(job, after=shown):
                shown = line.number
                following.say(line.text)
            if not job.is_active and not job_lines(job, after=shown, limit=1):
                return self.ended(job, deadline)
            if is_over or time.monotonic() > deadline:
                self.stderr.write(_left(job, following.found, is_over=is_over))
                return FAILED
            time.sleep(POLL_S)

    def ended(self, job: Job, deadline: float) -> int:
        if job.state != JobState.SUCCEEDED:
            end = f"{job} on {job.host_name}: {job.get_state_display()}."
            self.stderr.write(f"{end} {job.reason} {job.advice}".rstrip())
            return FAILED
        if not self.has_settled(job, min(deadline, time.monotonic() + SETTLE_S)):
            why = control_seen().silence
            self.stderr.write(f"{job} has done its work; control has not told of it yet. {why}".rstrip())
        return OK

    def has_settled(self, job: Job, deadline: float) -> bool:
        """Whether control tells of what a succeeded job did, before ``deadline``; also where nothing is to be told."""
        while self.settled and job.application_id:
            try:
                if get_application(job.application_id).status in self.settled:
                    return True
            except NotFound:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_S)
        return True

    def describe(self, job: Job) -> dict:
        return {
            "job": str(job.pk), "kind": job.kind, "application": job.application_name, "host": job.host_name,
            "state": job.state, "reason": job.reason, "advice": job.advice, "result": job.result,
            **as_told(_awaited(job)),
            "steps": [{"name": step.name, "state": step.state} for step in job.steps.all()],
        }


def _awaited(job: Job) -> Awaited | None:
    return awaited([job]).get(job.pk)


def _left(job: Job, found: Awaited | None, *, is_over: bool) -> str:
    """What is said of a job that is not waited for any longer; ``is_over``: because nothing moves."""
    why = f" {found.text}" if found else ""
    stands = f" Nothing has moved for {STANDS_S:g} s, so it is not waited for any longer." if is_over else ""
    goes_on = (f"It is carried out when {job.host_name} takes it within {settings.JOB_UNCLAIMED_AFTER_S // 60} "
               "minutes; cancel it on its page if that is too late" if job.state == JobState.QUEUED else "It goes on")
    return f"{job} has not ended yet ({job.get_state_display()}).{why}{stands} {goes_on}; see job {job.pk}."
