"""The Alarm Conditions that Pairwise brings: each is about events that really happen. People may change and disable
them."""

from dataclasses import dataclass

from protocol.events import Own
from provisioning.models import AlarmCondition
from provisioning.states import AlarmCategory

MONTH = 24 * 30
LASTS = 0
"""Of what goes on until its Cancel Event comes, however long that takes."""
CRITICAL, MAJOR, MINOR = AlarmCategory.CRITICAL, AlarmCategory.MAJOR, AlarmCategory.MINOR


@dataclass(frozen=True)
class Predefined:
    """A row of AlarmCondition; ``cancel`` 0 for none, ``hours`` of its timeout, LASTS for none."""

    name: str
    category: AlarmCategory
    detect: int
    cancel: int
    description: str
    hours: int = 24
    enabled: bool = True


PREDEFINED: dict[str, Predefined] = {
    "service-unavailable": Predefined(
        "Service Unavailable", CRITICAL, 5094, 5093,
        "A server runs and cannot serve: its disk, its store or its links fail. In a pair that is in sync the standby "
        "takes over.", hours=LASTS),
    "gave-up": Predefined(
        "Gave Up", CRITICAL, Own.GAVE_UP, 5093,
        "A server failed too often in a row, so Auto-Restart starts it no more. Somebody has to start it.",
        hours=LASTS),
    "disputed": Predefined(
        "Disputed", CRITICAL, Own.DISPUTED, Own.RECORD_RAISED,
        "Control's record of a pair may be older than what a member knows. Nothing fails over until that is settled.",
        hours=LASTS),
    "restored": Predefined(
        "Older Control Database", CRITICAL, Own.RESTORED, 0,
        "An older copy of control's database was put back."),
    "nobody-serves": Predefined(
        "Nobody Serves", CRITICAL, Own.NOBODY_SERVES, Own.SERVES_AGAIN,
        "A pair that served has had no active server for seconds, and nobody stopped it: clients cannot send.",
        hours=LASTS),
    "without-standby": Predefined(
        "Pair Without Standby", MAJOR, Own.OUT_OF_SYNC, Own.IN_SYNC,
        "The active server of a pair goes on alone: each message is on one disk only, and no failover is possible.",
        hours=LASTS),
    "failover": Predefined(
        "Failover Happened", MAJOR, Own.ROLE_CHANGED, 0,
        "The standby took over and nobody had asked for it."),
    "flapping": Predefined(
        "Roles Change Too Often", MAJOR, 10327, 10328,
        "The active server of a pair changed several times within seconds."),
    "application-failure": Predefined(
        "Application Failure", MAJOR, 5024, 5093,
        "A process ended unexpectedly. Cleared once the server is Started again.", hours=LASTS),
    "host-unavailable": Predefined(
        "Host Unavailable", MAJOR, 8000, 8001,
        "The agent of a host is not connected: nothing on that host can be started, stopped or watched.",
        hours=LASTS),
    "disk-silent": Predefined(
        "Disk Silent", MAJOR, Own.DISK_SILENT, Own.DISK_ANSWERS,
        "The disk of a server has not answered for the detection time."),
    "task-ended": Predefined(
        "Part of a Server Ended", MAJOR, Own.TASK_ENDED, 5093,
        "A part of a server ended that must not; its process ends with it.", hours=LASTS),
    "certificate-ends": Predefined(
        "Certificate Ends", MAJOR, 8100, 0,
        "A certificate ends soon or has ended. Programs do not trust an expired one.", hours=48),
    "drill-failed": Predefined(
        "Drill Failed", MAJOR, Own.DRILL_FAILED, Own.DRILL_PASSED,
        "A failover drill failed. Cleared by the next one that passes.", hours=MONTH),
    "component-down": Predefined(
        "Console Component Down", MAJOR, Own.COMPONENT_DOWN, Own.COMPONENTS_BACK,
        "A part of the console has not answered for seconds. Servers go on. Without control none fails over.",
        hours=LASTS),
    "audit-worse": Predefined(
        "Audit Got Worse", MINOR, Own.AUDIT_WORSE, Own.AUDIT_BETTER,
        "An audit has found something worse about a pair for a minute, and no job or other alarm explains it."),
    "failover-paused": Predefined(
        "Failover Paused", MINOR, Own.PAUSED_LONG, Own.RESUMED,
        "Automatic failover of a pair has been paused for an hour: nobody takes over by itself.", hours=LASTS),
    "reader-behind": Predefined(
        "Log Reader Behind", MINOR, Own.READER_BEHIND, Own.READER_CAUGHT_UP,
        "The log reader cannot read the pair that collects log records. They wait there.", hours=LASTS),
    "clock-off": Predefined(
        "Clock Off", MINOR, Own.CLOCK_OFF, 0,
        "The clock of a server's machine differs from that of control. The times that it gives are wrong."),
    "clock-jumped": Predefined(
        "Clock Jumped", MINOR, Own.CLOCK_JUMPED, 0,
        "The clock of a server's machine jumped."),
    "gap": Predefined(
        "Copy Begins Too Late", MINOR, Own.GAP, 0,
        "The copy of a standby begins later than it should; it fetches what is missing."),
    "not-delivered": Predefined(
        "Notification Given Up", MINOR, Own.NOT_DELIVERED, 0,
        "A message about alarms was tried for 24 hours and not taken, so a channel told nobody. Test that channel."),
    "token-ends": Predefined(
        "API Token Expires", MINOR, Own.TOKEN_ENDS, 0,
        "A token that a program uses expires within 14 days. Make another one and give it to the program."),
    "shipping-behind": Predefined(
        "Audit Shipping Behind", MAJOR, Own.SHIPPING_BEHIND, Own.SHIPPING_CAUGHT_UP,
        "A target of audit shipping has not taken entries of History for an hour. They wait in the database. Cleared "
        "once each target has got all of them.", hours=LASTS),
    "connection-failure": Predefined(
        "Connection Failure", MINOR, 4504, 4503,
        "A program lost a connection. Every server tells it when control is restarted, so this is disabled until "
        "somebody enables it.", hours=48, enabled=False),
}
"""{the mark of a row, which is never used for another: what it is created with}."""


def provide(model: type[AlarmCondition] = AlarmCondition) -> None:
    """Create what is missing. What somebody changed stays as it is, also under another name."""
    rows = model._default_manager
    known = set(rows.exclude(predefined="").values_list("predefined", flat=True))
    taken = set(rows.values_list("name", flat=True))
    rows.bulk_create([
        model(
            name=each.name if each.name not in taken else f"{each.name} (predefined)", description=each.description,
            category=each.category, detect_event=each.detect, cancel_event=each.cancel, cancel_timeout=each.hours,
            enabled=each.enabled, predefined=mark)
        for mark, each in PREDEFINED.items() if mark not in known])
