"""The objects of Pairwise (their fields: domain.md 1.2 to 1.5). What the database can hold is a constraint here."""

from provisioning.models.ports import ListeningPort

from .accounts import Account, ApiToken, SignInCount, SignInTry
from .alarms import Alarm, AlarmCondition, AlarmMark, Maintenance, Reaction
from .answers import KeptAnswer
from .applications import Application, Connection, Option
from .audit import AuditMark, AuditRun, Finding, FoundOnHost, PairAudit, Waiver
from .console import Console
from .drills import Drill, DrillSchedule, DrillStep
from .enrolments import HostEnrolment
from .history import HistoryEntry, HistoryHead, HistoryKey
from .hosts import Host
from .jobs import Job, JobLine, JobReport, JobStep
from .more_detail import MoreDetail
from .notifications import (
    Channel,
    DeliveredAlarm,
    Delivery,
    DeliveryAttempt,
    Notice,
    NotificationMark,
    NotificationRule,
)
from .pairs import PairException
from .records import Event
from .runtime import ComponentHeartbeat, CopyTerm, HostRuntime, PairState, RuntimeStatus
from .searches import SavedSearch
from .shipping import AuditTarget, Shipment
from .templates import ApplicationTemplate, InstallationPackage

__all__ = [
    "Account", "Alarm", "AlarmCondition", "AlarmMark", "ApiToken", "Application", "ApplicationTemplate", "AuditMark",
    "AuditRun", "AuditTarget",
    "Channel", "ComponentHeartbeat", "Connection", "Console", "CopyTerm", "DeliveredAlarm", "Delivery",
    "DeliveryAttempt", "Drill",
    "DrillSchedule", "DrillStep", "Event", "Finding", "FoundOnHost", "HistoryEntry", "HistoryHead", "HistoryKey",
    "Host", "HostEnrolment", "HostRuntime", "InstallationPackage", "Job", "JobLine", "JobReport", "JobStep",
    "KeptAnswer",
    "ListeningPort", "Maintenance", "MoreDetail", "Notice", "NotificationMark", "NotificationRule", "Option",
    "PairAudit", "PairException", "PairState", "Reaction", "RuntimeStatus", "SavedSearch", "Shipment", "SignInCount",
    "SignInTry", "Waiver",
]
