"""Every kind of job, declared once: what it needs, what is said of it in each state, what asks for it again.

A new kind is a row here, its steps in ``protocol.jobs`` and a module of its name in ``hostagent/jobs``. What the end of
one does is registered by the module that owns it (``FAULT``, ``EFFECT``, ``AFTER``), and so is the service that asks
for one (``ASK``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from protocol.jobs import STEPS
from provisioning.core.permissions import AUDIT, INSTALL, OPERATE
from provisioning.states import ENDED, ApplicationStatus, JobKind, JobState

Result = dict[str, Any]


class Need(Enum):
    """What must be so before a job can be made; ``jobs.rules.readiness`` judges it, in the order that a kind names."""

    RUNNABLE_TYPE = "a type that Pairwise installs and starts"
    STOPPABLE = "a type that Pairwise installs and starts, or a server that runs"
    HOST = "a Host whose agent takes jobs"
    NO_DRILL = "no failover drill of its pair"
    NO_JOB = "no other job"
    ENABLED = "enabled"
    INSTALLED = "installed"
    NOT_RUNNING = "not running"
    NOT_STOPPED = "not stopped"
    PACKAGE = "an Installation Package"
    SECURED_PORT = "a secured port"
    SAFE_WAY = "a way for a private key that nobody can listen to"
    CHECKED = "start files that were looked at, and differ"
    EYES = "an agent that can look"
    SOMETHING_THERE = "something installed to look at"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of job. Sentences may name the {application} and the {host}; ``noun`` is what follows "The".

    ``done`` makes the sentence of (application, host, result); ``facts`` are shown with it: (label, key in the result,
    words before it). ``cancel`` says what follows when a running one is cancelled, ``lost`` what nobody knows when its
    host is silent.
    """

    kind: JobKind
    permission: str
    needs: tuple[Need, ...]
    noun: str
    running: str
    done: Callable[[str, str, Result], str]
    cancel: str
    lost: str
    facts: tuple[tuple[str, str, str], ...] = ()
    then: JobKind | None = None
    """What comes next when it succeeded."""
    again: Callable[[Result], Result] = lambda arguments: {}
    """What of its arguments is asked for again when it is tried again."""
    is_done: Callable[[datetime, str, datetime | None], bool] = lambda asked_at, status, started_at: False
    """(asked for at, status now, its process started at): whether control's word is what it waits for, so that only
    its last report is missing."""
    of_host: bool = False
    """It works on a host, not on one application; people see it in lists when they ask for it."""
    finds_start_files: bool = False
    """Its result has ``start_files``."""
    about_start_files: bool = False
    """It is about them and nothing else."""

    @property
    def label(self) -> str:
        return self.kind.label

    @property
    def steps(self) -> tuple[str, ...]:
        return STEPS[self.kind]

    def told(self, text: str, job) -> str:
        """``text`` of this kind, of ``job``."""
        return text.format(application=job.application_name, host=job.host_name)

    def name(self, job) -> str:
        """``the start of MS``."""
        return f"the {self.told(self.noun, job)}"

    def sentence(self, job) -> str:
        """What is going on with ``job``, or how it ended: the host's word where there is one, else this kind's."""
        if job.state == JobState.SUCCEEDED:
            return self.done(job.application_name, job.host_name, job.result)
        return job.reason or self.own_sentence(job)

    def own_sentence(self, job) -> str:
        """As ``sentence``, of a job that did not succeed and of which nobody said why."""
        text = _OF_STATE.get(job.state)
        return self.told(text.format(noun=self.noun, lost=self.lost) if text else self.running, job)

    def cancelled(self, job) -> str:
        """What was done when somebody cancelled ``job``."""
        own = self.told(self.noun, job)
        return (f"The {own} was cancelled." if job.state == JobState.CANCELLED else
                f"The {own} is being cancelled: the host ends its work first.")

    def cancelling(self, job) -> str:
        """What follows when ``job`` is cancelled now."""
        if job.state == JobState.QUEUED:
            return f"No host has taken the {self.told(self.noun, job)} yet, so nothing happens on {job.host_name}."
        return self.told(self.cancel, job)


_OF_STATE = {
    JobState.QUEUED: "{{host}} has not taken the {noun} yet.", JobState.FAILED: "The {noun} failed.",
    JobState.ERROR: "The {noun} ended with an error that nobody explained.",
    JobState.CANCELLED: "The {noun} was cancelled.", JobState.LOST: "{lost}",
}
"""Sentences that every kind has, made of its words; a state that is missing is the work itself (``running``)."""


def _as_what(host: str, result: Result) -> str:
    """`` as Primary, process 4711 on alpha``, as far as the host said it."""
    mode, pid = result.get("mode"), result.get("pid")
    return (f" as {mode}" if mode else "") + (f", process {pid} on {host}" if pid else "")


def _stopped(application: str, host: str, result: Result) -> str:
    code = result.get("exit_code")
    return (f"{application} is stopped{f', exit code {code}' if code is not None else ''}. It stays stopped until "
            "somebody starts it.")


def _start_files(application: str, host: str, result: Result) -> str:
    found = result.get("start_files")
    found = found if isinstance(found, dict) else {}
    if found.get("equal"):
        return f"The start files of {application} are as they should be."
    if found.get("starts"):
        return f"run.sh starts {application} with the right -host, -port and -app, and is not as Install writes it."
    return f"The start files of {application} are not as they should be."


def _repaired(application: str, host: str, result: Result) -> str:
    if result.get("written"):
        return f"The start files of {application} were written as they should be."
    return f"Nothing was written: the start files of {application} needed no repair."


def _runs_since(asked_at: datetime, status: str, started_at: datetime | None) -> bool:
    """A server that was Started since ``asked_at`` has been started, whatever it does a moment later."""
    return started_at is not None and started_at > asked_at


_ON_HOST = (Need.RUNNABLE_TYPE, Need.HOST, Need.NO_DRILL, Need.NO_JOB)
_IN_ITS_DIRECTORY = (*_ON_HOST, Need.INSTALLED)
_ROWS = (
    Kind(
        kind=JobKind.INSTALL, permission=INSTALL, needs=(*_ON_HOST, Need.ENABLED, Need.PACKAGE),
        noun="installation of {application}", running="{application} is being installed on {host}.",
        done=lambda application, host, result: (
            f"{application} is installed. The package reached the Configuration Server and these fields were filled "
            "in:"),
        facts=(("Working Directory", "working_directory", ""), ("Command Line", "command_line", ""),
               ("Command Line Arguments", "command_line_arguments", ""), ("Version", "version", ""),
               ("Former installation", "backup", "moved to")),
        then=JobKind.START, finds_start_files=True, again=lambda arguments: {"path": arguments.get("path_given", "")},
        cancel="The work on {host} ends. What was unpacked is removed; an earlier installation stays as it was.",
        lost="It is not known whether the new installation is in place. Look at the application's directory, or "
             "install again."),
    Kind(
        kind=JobKind.START, permission=OPERATE, needs=(*_ON_HOST, Need.NOT_RUNNING, Need.INSTALLED, Need.ENABLED),
        noun="start of {application}", running="{application} is being started on {host}.",
        done=lambda application, host, result: f"{application} is started{_as_what(host, result)}.",
        # A start is asked for only of what does not run.
        is_done=lambda asked_at, status, started_at: (
            status == ApplicationStatus.STARTED or _runs_since(asked_at, status, started_at)),
        cancel="The process that was started on {host} is stopped again.",
        lost="It is not known whether the server runs: its Status tells as soon as the host is connected."),
    Kind(
        kind=JobKind.STOP, permission=OPERATE,
        needs=(Need.STOPPABLE, Need.HOST, Need.NO_DRILL, Need.NO_JOB, Need.NOT_STOPPED),
        noun="stop of {application}", running="{application} is being stopped on {host}.", done=_stopped,
        again=lambda arguments: {"graceful": arguments.get("graceful", False)},
        is_done=lambda asked_at, status, started_at: status in ENDED,
        cancel="The stop is not waited for any longer; a server that was already asked to stop still ends.",
        lost="It is not known whether the server has stopped: its Status tells as soon as the host is connected."),
    Kind(
        kind=JobKind.RESTART, permission=OPERATE, needs=(*_ON_HOST, Need.NOT_STOPPED, Need.INSTALLED, Need.ENABLED),
        noun="restart of {application}", running="{application} is being stopped and started again on {host}.",
        done=lambda application, host, result: f"{application} was restarted{_as_what(host, result)}.",
        is_done=_runs_since,
        cancel="The restart is not waited for any longer. A server that was asked to stop still ends and is not "
               "started again; one that was started again already is stopped.",
        lost="It is not known how far the restart came: the Status tells as soon as the host is connected, and a "
             "server that is stopped then has to be started."),
    Kind(
        kind=JobKind.CHECK_START_FILES, permission=OPERATE, needs=_IN_ITS_DIRECTORY,
        noun="check of the start files of {application}",
        running="The start files of {application} are being checked on {host}.", done=_start_files,
        finds_start_files=True, about_start_files=True, cancel="The check ends. Nothing is changed on {host}.",
        lost="What the check found is not known; it changed nothing on the host."),
    Kind(
        kind=JobKind.REPAIR_START_FILES, permission=INSTALL, needs=(*_IN_ITS_DIRECTORY, Need.CHECKED),
        noun="repair of the start files of {application}",
        running="The start files of {application} are being written on {host}.", done=_repaired,
        facts=(("Former files", "backup", "moved to"),), finds_start_files=True, about_start_files=True,
        again=lambda arguments: {"seen": arguments.get("seen", {})},
        cancel="What was written on {host} is taken back; the former start files stay.",
        lost="It is not known whether the start files were written. Check them again."),
    Kind(
        kind=JobKind.MAKE_CERTIFICATES, permission=INSTALL,
        needs=(*_IN_ITS_DIRECTORY, Need.SECURED_PORT, Need.SAFE_WAY),
        noun="making of a certificate for {application}",
        running="A certificate for {application} is being made and written on {host}.",
        done=lambda application, host, result: (
            f"{application} has a certificate for its secured ports, and their Transport Parameters name it. A server "
            "that used these files already takes it over by itself; else restart it."),
        facts=(("Certificate", "certificate", ""), ("Key", "certificate_key", ""), ("Trusted CA", "trusted_ca", "")),
        cancel="The former certificate stays in use, unless the new one was written already.",
        lost="It is not known whether certificate and key were written. Make them again."),
    Kind(
        kind=JobKind.COLLECT_FACTS, permission=AUDIT, needs=(Need.HOST, Need.EYES, Need.SOMETHING_THERE),
        noun="look on {host}", running="{host} is being looked at.",
        done=lambda application, host, result: f"What is true on {host} was looked at; the page of the host shows it.",
        of_host=True,
        cancel="The look ends; what an earlier one found stays.", lost="What is true on the host now is not known."),
)
KINDS: dict[str, Kind] = {row.kind: row for row in _ROWS}
OF_HOSTS = frozenset(row.kind for row in _ROWS if row.of_host)
FIND_START_FILES = tuple(row.kind for row in _ROWS if row.finds_start_files)
ABOUT_START_FILES = tuple(row.kind for row in _ROWS if row.about_start_files)


class Hook(dict[str, Callable]):
    """{kind or verb: function}, each entry made by the module that owns the function; each has one at most."""

    def of(self, kind: str):
        """A decorator: the function is this kind's."""
        def register(function: Callable) -> Callable:
            if self.setdefault(kind, function) is not function:
                raise ValueError(f"{kind} has {self[kind].__qualname__} already, {function.__qualname__} comes too.")
            return function
        return register


ASK = Hook()
"""(actor, application_id or of a kind ``of_host`` host_id, and what ``Kind.again`` names) → the new Job: the
service."""
FAULT = Hook()
"""(job, result) → why the result of a success cannot be used, as a clause; "" when it can."""
EFFECT = Hook()
"""(job, result): what a success does to its application, in the transaction that ends the job."""
AFTER: list[Callable] = []
"""(job): what follows the end of any job, in the same transaction."""


def ask_again(actor, job):
    """A new job that asks for what ``job`` asked for. Raises what the service does."""
    row = KINDS[job.kind]
    whose = {"host_id": job.host_id} if row.of_host else {"application_id": job.application_id}
    return ASK[job.kind](actor=actor, **whose, **row.again(job.arguments))
