"""Puts a finding of the audit right, through the same verbs as the pages: first the plan, then the work."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services import applications
from provisioning.audit.arguments import NAMES
from provisioning.audit.remedies import REMEDIES, Remedy
from provisioning.core import permissions
from provisioning.core.control_client import configuration_server
from provisioning.core.permissions import Actor
from provisioning.drafts import ApplicationDraft
from provisioning.errors import NotFound, Refusal, Refused
from provisioning.jobs.kinds import ASK, KINDS
from provisioning.jobs.selectors.readiness import refusals
from provisioning.jobs.selectors.start_files import start_files
from provisioning.logs.services import setting
from provisioning.models import Application, Finding, Job
from provisioning.pairs.services import pairs, synchronize
from provisioning.states import JobKind, Mode, RedundancyType
from provisioning.verbs.services.log_on import account_refusals, proposed, without_asking

from . import audits


@dataclass(frozen=True)
class Step:
    """One thing that is done; ``before`` and ``after`` are values, "" for work that has none."""

    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class RemedyPlan:
    """What the remedy of ``finding`` would do. ``refusals`` stand against it now; ``warnings`` are to be read first;
    ``token`` names the state that it was made from, ``apply`` wants it back."""

    finding: Finding
    remedy: Remedy
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    token: str = ""


@dataclass(frozen=True)
class Done:
    """``sentence`` says what was done; ``job`` is still at work on a host, None when nothing is."""

    sentence: str
    job: Job | None = None


def plan(*, actor: Actor, finding_id: int) -> RemedyPlan:
    """What would be done; changes nothing. Raises NotFound, NotAllowed; Refused when there is no remedy."""
    actor.require(permissions.VIEW)
    finding = _finding(finding_id)
    work = _WORK[finding.remedy]
    row = _subject(finding)
    steps, warnings, refusals = work.plan(actor, row, finding)
    return RemedyPlan(finding, REMEDIES[finding.remedy], tuple(steps), tuple(warnings), tuple(refusals), _token(row))


def apply(*, actor: Actor, finding_id: int, token: str) -> Done:
    """Do what the plan of ``token`` said, then audit the pair again. Raises Refused (also when the objects were saved
    since), Conflict, NotAllowed, NotFound."""
    finding = _finding(finding_id)
    work = _WORK[finding.remedy]
    actor.require(work.verb)
    row = _subject(finding)
    if token != _token(row):
        raise Refused(f"{row.name} or its partner was saved after this plan was made. Nothing was done. Look at the "
                      "new plan.")
    done = work.apply(actor, row, finding)
    audits.audit_again(finding.audit.primary_id, actor=actor)
    return done


def verb_of(remedy: str) -> str:
    """The permission that a remedy needs."""
    return _WORK[remedy].verb


def subject_of(finding: Finding) -> int:
    """The application that a remedy changes: the one that the finding is about, or the primary."""
    return finding.about[0] if len(finding.about) == 1 else finding.audit.primary_id


def kind_of(remedy: str) -> str:
    """The kind of job that carries a remedy out; "" when none does."""
    return _WORK[remedy].kind


def _finding(finding_id: int) -> Finding:
    row = Finding.objects.select_related("audit", "audit__primary").filter(pk=finding_id).first()
    if row is None or not row.audit.is_latest:
        raise NotFound("This finding is gone: the pair was audited again meanwhile. Look at the new result.")
    if row.remedy not in _WORK:
        raise Refused("People put this right: Pairwise has no fix for it.")
    return row


def _subject(finding: Finding) -> Application:
    return get_application(subject_of(finding))


def _token(row: Application) -> str:
    partner = row.backup_server or getattr(row, "primary_server", None)
    return f"{row.revision}.{partner.revision if partner else 0}"


# --- what each remedy does

Planned = tuple[list[Step], list[str], list[Refusal]]


@dataclass(frozen=True)
class _Work:
    verb: str
    plan: Callable[[Actor, Application, Finding], Planned]
    apply: Callable[[Actor, Application, Finding], Done]
    kind: str = ""


def _saves(change: Callable[[ApplicationDraft], ApplicationDraft], label: str,
           value: Callable[[ApplicationDraft], object]) -> _Work:
    """A save of the application with ``change`` made to it, by the rules of every save."""
    def planned(actor: Actor, row: Application, finding: Finding) -> Planned:
        before = application_draft(row)
        after = change(before)
        step = Step(f"{label} of {row.name}", _text(value(before)), _text(value(after)))
        return [step], [], applications.check_application(draft=after, application_id=row.pk)

    def applied(actor: Actor, row: Application, finding: Finding) -> Done:
        applications.update_application(
            actor=actor, application_id=row.pk, revision=row.revision, draft=change(application_draft(row)),
            reason=f"Fix of the audit's finding {finding.code}: {finding.sentence}")
        return Done(f"{label} of {row.name} was saved.")

    return _Work(permissions.CONFIGURE, planned, applied)


def _by_job(kind: JobKind, what: str, warn: Callable[[Application], list[str]] = lambda row: [],
            given: Callable[[Application], dict] = lambda row: {},
            against: Callable[[Application], list[Refusal]] = lambda row: []) -> _Work:
    """A job on the host of the application; ``what`` says it with its name in place of {}, ``given`` is what it is
    asked for with, ``against`` what stands against it besides its readiness."""
    def planned(actor: Actor, row: Application, finding: Finding) -> Planned:
        return [Step(what.format(row.name))], warn(row), [*refusals(row, kind, waits=True), *against(row)]

    def applied(actor: Actor, row: Application, finding: Finding) -> Done:
        job = ASK[kind](actor=actor, application_id=row.pk, **given(row))
        return Done(f"{what.format(row.name)}: the job is running.", job)

    return _Work(KINDS[kind].permission, planned, applied, kind)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value) if value not in (None, "") else "(none)"


def _with_arguments(draft: ApplicationDraft) -> ApplicationDraft:
    """-host, -port and -app as they should be; what else stands there stays."""
    server = configuration_server()
    right = dict(zip(NAMES, (server["host"], str(server["port"]), draft.name), strict=True))
    kept = _other_words(draft.command_line_arguments)
    words = [f"{name} {_quoted(value)}" for name, value in right.items()]
    return replace(draft, command_line_arguments=" ".join([*words, *kept]))


def _other_words(text: str) -> list[str]:
    """What stands there beside the three; a line that cannot be read is written anew."""
    try:
        words = iter(shlex.split(text))
    except ValueError:
        return []
    kept = []
    for word in words:
        if word in NAMES:
            next(words, None)
        else:
            kept.append(_quoted(word))
    return kept


def _quoted(word: str) -> str:
    return word if all(sign.isalnum() or sign in "_@%+=:,./-" for sign in word) else f'"{word}"'


def _interrupts(row: Application) -> list[str]:
    if row.mode != Mode.PRIMARY:
        return [f"{row.name} stops for a moment; its partner goes on serving."]
    return [f"{row.name} is the Primary: its standby takes over, and {row.name} comes back as the Backup. Its clients "
            "connect again."]


def _synchronize() -> _Work:
    def planned(actor: Actor, row: Application, finding: Finding) -> Planned:
        found = synchronize.plan(actor=actor, application_id=row.pk)
        steps = [Step(each.label, each.backup, each.action or each.primary) for each in found.copied]
        left = [f"{each.label}: {each.action}" for each in found.by_hand]
        empty = [] if steps else [Refusal("Nothing is left that Synchronize would copy.")]
        return steps, left, empty

    def applied(actor: Actor, row: Application, finding: Finding) -> Done:
        found = synchronize.plan(actor=actor, application_id=row.pk)
        done = synchronize.apply_plan(actor=actor, application_id=row.pk, revisions=found.revisions,
                                      reason=f"Fix of the audit's finding {finding.code}.")
        return Done(f"{len(done.copied)} differences were copied from {done.primary.name} to {done.backup.name}.")

    return _Work(permissions.CONFIGURE, planned, applied)


def _enable() -> _Work:
    def planned(actor: Actor, row: Application, finding: Finding) -> Planned:
        return [Step(f"State of {row.name}", "Disabled", "Enabled")], [], []

    def applied(actor: Actor, row: Application, finding: Finding) -> Done:
        applications.set_enabled(actor=actor, application_ids=[row.pk], enabled=True)
        return Done(f"{row.name} is enabled.")

    return _Work(permissions.CONFIGURE, planned, applied)


def _log_to_primary() -> _Work:
    """``row`` is the Backup Server that is chosen by itself."""
    def planned(actor: Actor, row: Application, finding: Finding) -> Planned:
        primary = finding.audit.primary
        return [Step(setting.LABEL, row.name, primary.name)], [], setting.refusals(
            primary, getattr(primary, "primary_server", None))

    def applied(actor: Actor, row: Application, finding: Finding) -> Done:
        primary = finding.audit.primary
        setting.choose(actor=actor, application_id=primary.pk, seen=str(row.pk))
        return Done(f"Log records are collected from {primary.name} and its Backup Server.")

    return _Work(permissions.CONFIGURE, planned, applied)


def _resume() -> _Work:
    def planned(actor: Actor, row: Application, finding: Finding) -> Planned:
        return [Step(f"Automatic failover of {row.name}", "Paused", "On")], [], []

    def applied(actor: Actor, row: Application, finding: Finding) -> Done:
        pairs.resume_failover(actor=actor, application_id=row.pk,
                              reason=f"Fix of the audit's finding {finding.code}.")
        return Done(f"Automatic failover of {row.name} is on.")

    return _Work(permissions.OPERATE, planned, applied)


def _as_last_seen(row: Application) -> dict:
    """The start files as they were last looked at."""
    found = start_files([row]).get(row.pk)
    return {"seen": found.seen if found else {}}


def _moves_aside(row: Application) -> list[str]:
    found = proposed(row)
    return ["Its messages stay; what else is in its directory is moved aside.",
            *([f"It is to run as {found.account} from then on, not as root."] if found and found.account else [])]


_WORK: dict[str, _Work] = {
    "set_warm_standby": _saves(lambda draft: replace(draft, redundancy_type=RedundancyType.WARM_STANDBY),
                               "Redundancy Type", lambda draft: RedundancyType(draft.redundancy_type).label),
    "clear_own_backup": _saves(
        lambda draft: replace(draft, backup_server_id=None, redundancy_type=RedundancyType.NOT_SPECIFIED),
        "Backup Server", lambda draft: "set" if draft.backup_server_id else ""),
    "set_auto_restart": _saves(lambda draft: replace(draft, auto_restart=True), "Auto-Restart",
                               lambda draft: draft.auto_restart),
    "set_arguments": _saves(_with_arguments, "Command Line Arguments", lambda draft: draft.command_line_arguments),
    "log_to_primary": _log_to_primary(),
    "enable": _enable(),
    "synchronize": _synchronize(),
    "resume_failover": _resume(),
    "make_certificates": _by_job(JobKind.MAKE_CERTIFICATES, "Make certificates for {}"),
    "repair_start_files": _by_job(JobKind.REPAIR_START_FILES, "Write the start files of {} anew",
                                  given=_as_last_seen),
    "install": _by_job(JobKind.INSTALL, "Install {} again", _moves_aside,
                       given=lambda row: {"log_on_as": without_asking(row), "is_choice": False},
                       against=lambda row: account_refusals(row, without_asking(row))),
    "start": _by_job(JobKind.START, "Start {}"),
    "restart": _by_job(JobKind.RESTART, "Restart {}", _interrupts),
}
