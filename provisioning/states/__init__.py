"""States and choices of the field, with named sets of them. Imports nothing else of Pairwise."""

from django.db import models

from .accounts import (
    FactorsOf as FactorsOf,
)
from .accounts import (
    Role as Role,
)
from .accounts import (
    SignInResult as SignInResult,
)
from .accounts import (
    SignInSource as SignInSource,
)
from .accounts import (
    TokenScope as TokenScope,
)
from .accounts import (
    TokenState as TokenState,
)
from .alarms import (
    AlarmCategory as AlarmCategory,
)
from .alarms import (
    AlarmEnd as AlarmEnd,
)
from .alarms import (
    AlarmSelection as AlarmSelection,
)
from .alarms import (
    AuditFormat as AuditFormat,
)
from .alarms import (
    ChannelKind as ChannelKind,
)
from .alarms import (
    DeliveryState as DeliveryState,
)
from .alarms import (
    MaintenanceKind as MaintenanceKind,
)
from .alarms import (
    ReactionState as ReactionState,
)
from .alarms import (
    ReactionVerb as ReactionVerb,
)
from .alarms import (
    Told as Told,
)


class ApplicationType(models.TextChoices):
    """Application types, those of the field that there are objects of; its numbers of them: ``TYPE_NUMBERS``."""

    MESSAGE_SERVER = "MessageServer", "Message Server"
    SOLUTION_CONTROL_SERVER = "SCS", "Solution Control Server"
    GENERIC_SERVER = "GenericServer", "Generic Server"
    GENERIC_CLIENT = "GenericClient", "Generic Client"


TYPE_NUMBERS = {
    ApplicationType.MESSAGE_SERVER: 42,
    ApplicationType.SOLUTION_CONTROL_SERVER: 43,
    # 8, 23 and 24 are other types of the field: Database Access Point, Third Party Server, Strategy Simulator.
    ApplicationType.GENERIC_SERVER: 107,
    ApplicationType.GENERIC_CLIENT: 108,
}
FORMER_TYPES = {"DAP": ApplicationType.GENERIC_CLIENT}
"""What earlier versions had a type for, and files and History of theirs still name: as what it is taken now. Nothing
ever connected to a Database Access Point, and no Host was asked of it, as of a Generic Client."""
SERVER_TYPES = frozenset(
    {ApplicationType.MESSAGE_SERVER, ApplicationType.SOLUTION_CONTROL_SERVER, ApplicationType.GENERIC_SERVER}
)
RUNNABLE_TYPES = frozenset({ApplicationType.MESSAGE_SERVER})
"""What Pairwise has programs of, and can tell whether it serves: it installs and starts nothing else."""


def startup_type(kind: str) -> str:
    """How an application of the type ``kind`` comes to run, as the field names it."""
    return "Automatic" if kind in RUNNABLE_TYPES else "Disabled"


class RedundancyType(models.TextChoices):
    """Labels as users see them; ``CFGHT*`` names of the field in domain.md 1.2."""

    NOT_SPECIFIED = "not specified", "Not Specified"
    WARM_STANDBY = "warm standby", "Warm Standby"
    HOT_STANDBY = "hot standby", "Hot Standby"


class OSType(models.TextChoices):
    LINUX = "Linux", "Linux"
    REDHAT_LINUX = "RedHatLinux", "Red Hat Linux"
    WINDOWS_2012 = "Windows2012", "Windows Server 2012 and later"
    SOLARIS = "Solaris", "Solaris"
    AIX = "AIX", "AIX"
    HP_UX = "HP-UX", "HP-UX"


AGENT_SYSTEMS = frozenset({OSType.LINUX, OSType.REDHAT_LINUX})
"""Where the agent of a host runs."""
OFFERED_SYSTEMS = (OSType.LINUX, OSType.REDHAT_LINUX, OSType.WINDOWS_2012)
"""What a host can be made of: those, and Windows, where people start Message Servers by hand. The others come in files
from elsewhere, and are kept."""


class ListeningMode(models.TextChoices):
    """How a Message Server listens. The field's third one, Auto Detect, is refused: no server of ours detects."""

    UNSECURED = "unsecured", "Unsecured"
    SECURED = "secured", "Secured"


AUTO_DETECT = "auto detect"


class PortProtocol(models.TextChoices):
    """Connection protocols of a listening port of a Message Server; blank means stomp."""

    STOMP = "stomp", "stomp (clients)"
    STOMP_WS = "stomp-ws", "stomp-ws (browsers)"
    SYNC = "sync", "sync (peer)"


class ApplicationStatus(models.TextChoices):
    """Status words of domain.md 4.2; Gave Up is Pairwise's own."""

    UNKNOWN = "Unknown"
    STOPPED = "Stopped"
    STOP_PENDING = "Stop Pending"
    START_PENDING = "Start Pending"
    INITIALIZING = "Initializing"
    STARTED = "Started"
    SERVICE_UNAVAILABLE = "Service Unavailable"
    SUSPENDING = "Suspending"
    SUSPENDED = "Suspended"
    GAVE_UP = "Gave Up"


ENDED = frozenset({ApplicationStatus.STOPPED, ApplicationStatus.GAVE_UP})
"""Statuses in which no process of the application runs."""
ALIVE = frozenset(
    {
        ApplicationStatus.INITIALIZING,
        ApplicationStatus.STARTED,
        ApplicationStatus.SERVICE_UNAVAILABLE,
        ApplicationStatus.SUSPENDING,
        ApplicationStatus.SUSPENDED,
        ApplicationStatus.STOP_PENDING,
    }
)
RUNS = ALIVE | {ApplicationStatus.START_PENDING}
"""Statuses in which a process of the application runs, or is about to."""
MOVING = frozenset(
    {
        ApplicationStatus.START_PENDING,
        ApplicationStatus.STOP_PENDING,
        ApplicationStatus.INITIALIZING,
        ApplicationStatus.SUSPENDING,
        ApplicationStatus.SUSPENDED,
    }
)
"""Statuses that change by themselves soon."""


class Mode(models.TextChoices):
    """Execution mode (domain.md 4.2); blank while unknown."""

    PRIMARY = "Primary"
    BACKUP = "Backup"
    EXITING = "Exiting"


class SyncLink(models.TextChoices):
    """The sync link of a pair as one member sees it; blank for a single server or one without a role."""

    DOWN = "down", "Down"
    CATCHING_UP = "catching_up", "Catching up"
    SYNCED = "synced", "In sync"


class HostStatus(models.TextChoices):
    """Live host statuses (domain.md 1.4)."""

    UNKNOWN = "Unknown"
    DISCONNECTED = "Disconnected"
    RUNNING = "Running"
    UNAVAILABLE = "Unavailable"
    UNREACHABLE = "Unreachable"


KNOWN_HOST_STATUSES = (HostStatus.UNKNOWN, HostStatus.DISCONNECTED, HostStatus.RUNNING)
"""What control says of hosts: it does not tell a machine that is off from one that the network does not reach."""


class JobKind(models.TextChoices):
    INSTALL = "install", "Install"
    START = "start", "Start"
    STOP = "stop", "Stop"
    CHECK_START_FILES = "check_start_files", "Check start files"
    REPAIR_START_FILES = "repair_start_files", "Repair start files"
    MAKE_CERTIFICATES = "make_certificates", "Make certificates"
    RESTART = "restart", "Restart"
    COLLECT_FACTS = "collect_facts", "Look on the host"


class JobState(models.TextChoices):
    """States of a job; JOB_TRANSITIONS says which may follow which."""

    QUEUED = "queued", "Queued"
    CLAIMED = "claimed", "Claimed"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    ERROR = "error", "Error"
    CANCELLED = "cancelled", "Cancelled"
    LOST = "lost", "Lost"


ACTIVE_JOBS = frozenset({JobState.QUEUED, JobState.CLAIMED, JobState.RUNNING})
FINISHED_JOBS = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.ERROR, JobState.CANCELLED, JobState.LOST})
RETRYABLE_JOBS = FINISHED_JOBS - {JobState.SUCCEEDED}

JOB_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.CLAIMED, JobState.RUNNING, *FINISHED_JOBS}),
    JobState.CLAIMED: frozenset({JobState.RUNNING, *FINISHED_JOBS}),
    JobState.RUNNING: FINISHED_JOBS,
    # A host that was silent and speaks again knows better than the reaper did.
    JobState.LOST: frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.ERROR, JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.ERROR: frozenset(),
    JobState.CANCELLED: frozenset(),
}


class StepState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


class DrillState(models.TextChoices):
    """Refused: no switchover was made. Interrupted: it was cancelled, or whatever ran it ended."""

    RUNNING = "running", "Running"
    PASSED = "passed", "Passed"
    FAILED = "failed", "Failed"
    REFUSED = "refused", "Refused"
    INTERRUPTED = "interrupted", "Interrupted"


class DrillPhase(models.TextChoices):
    """What a failover drill does, in this order."""

    PREFLIGHT = "preflight", "Pre-flight"
    PROBE = "probe", "Probe load"
    OVER = "over", "Switch over"
    OVER_SETTLED = "over_settled", "In sync again"
    OVER_CHECKED = "over_checked", "Messages checked"
    BACK = "back", "Switch back"
    BACK_SETTLED = "back_settled", "In sync again after it"
    BACK_CHECKED = "back_checked", "Messages checked at the end"


class EventLevel(models.TextChoices):
    ALARM = "alarm", "Alarm"
    STANDARD = "standard", "Standard"
    INTERACTION = "interaction", "Interaction"
    TRACE = "trace", "Trace"


TOLD_LEVELS = (EventLevel.ALARM, EventLevel.STANDARD)
"""What control and servers tell of; the finer levels are in the servers' own logs only."""


class EventSource:
    """Who an event comes from, where it is asked for."""

    CONSOLE = "console"
    JOIN = "join"
    REFUSED = "refused"
    STRANGER = "stranger"
    """What was refused of somebody who has not shown who he is, whomever he claims to be."""


class HistoryAction(models.TextChoices):
    CREATED = "created", "Created"
    CHANGED = "changed", "Changed"
    DELETED = "deleted", "Deleted"
    OPERATED = "operated", "Operated"
    SIGN_IN = "sign_in", "Sign-in"


class Severity(models.TextChoices):
    """How much a finding of the audit matters (domain.md 7)."""

    ERROR = "error", "Error"
    WARNING = "warning", "Warning"
    NOTE = "note", "Note"


class Verdict(models.TextChoices):
    """What the audit says of a pair, worst first."""

    BROKEN = "broken", "Broken"
    AT_RISK = "at risk", "At risk"
    READY = "ready", "Ready"


class AuditTrigger(models.TextChoices):
    CHANGE = "change", "After a change"
    SCHEDULE = "schedule", "On schedule"
    DEMAND = "demand", "On demand"
    FIX = "fix", "After a fix"


AGENT_STOPPED = "Its agent was stopped as asked, and its servers with it."
"""Why a host is not connected that somebody has stopped: no alarm is raised about it."""
