"""Rows for tests, made directly in the database; every argument has a default that keeps the rules."""

import itertools
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.utils import timezone

from provisioning.core.control import CONTROL, clock, control_seen
from provisioning.core.permissions import Actor
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.logbook.models import Followed, Record
from provisioning.models import (
    Alarm,
    AlarmCondition,
    Application,
    ApplicationTemplate,
    AuditTarget,
    Channel,
    DeliveredAlarm,
    Delivery,
    DeliveryAttempt,
    Host,
    HostRuntime,
    InstallationPackage,
    Job,
    JobStep,
    ListeningPort,
    Maintenance,
    NotificationRule,
    Option,
    PairState,
    RuntimeStatus,
    Shipment,
)
from provisioning.notifications.rules.kinds import fields_of
from provisioning.record.models import ControlBeat
from provisioning.states import (
    DeliveryState,
    HostStatus,
    JobKind,
    JobState,
    MaintenanceKind,
    RedundancyType,
    Role,
)

_number = itertools.count(1)

ADMINISTRATOR = Actor(name="ada", roles=frozenset({str(Role.ADMINISTRATOR)}), origin="192.0.2.7")
OPERATOR = Actor(name="otto", roles=frozenset({str(Role.OPERATOR)}), origin="192.0.2.8")
SUPPORT = Actor(name="sue", roles=frozenset({str(Role.SUPPORT)}), origin="192.0.2.9")

TEMPLATE_OPTIONS = {
    "log": {"verbose": {"value": "standard", "help": "How much is logged."}, "all": {"value": "stdout", "help": ""}},
    "messages": {"retention-days": {"value": "7", "help": "Days that messages are kept."}},
}
TEMPLATE_PORTS = [
    {"id": "default", "port": 7001, "protocol": "stomp", "ha_sync": False, "description": "Clients"},
    {"id": "sync", "port": 7002, "protocol": "sync", "ha_sync": True, "description": "Peer"},
]


def make_template(name: str = "Message_Server", **fields) -> ApplicationTemplate:
    defaults = {"type": "MessageServer", "version": "8.5.100.01", "options": TEMPLATE_OPTIONS, "ports": TEMPLATE_PORTS}
    return ApplicationTemplate.objects.get_or_create(name=name, defaults={**defaults, **fields})[0]


def make_host(name: str = "", *, status: str | None = HostStatus.RUNNING, **fields) -> Host:
    """A host whose agent is connected; ``status`` None leaves out what control would know of it."""
    number = next(_number)
    defaults = {"name": name or f"host{number}", "ip_address": f"198.51.{number // 250}.{number % 250 + 1}"}
    row = Host.objects.create(**{**defaults, **fields})
    if status is not None:
        _somebody_heard_it()
        HostRuntime.objects.create(host=row, status=status, heard_at=timezone.now(), worker_alive=True)
    return row


def make_application(name: str = "", *, status: str | None = None, mode: str = "", ports: dict | None = None,
                     options: dict | None = None, installed: bool = False, **fields) -> Application:
    """``status`` makes a RuntimeStatus, ``ports`` is {id: number}, ``options`` is {section: {key: value}}."""
    number = next(_number)
    template = fields.pop("template", None) or make_template()
    defaults = {"name": name or f"app{number}", "type": template.type, "version": template.version,
                "working_directory": f"/srv/pairwise/app{number}" if installed else ".",
                "command_line": "./MessageServer" if installed else "."}
    row = Application.objects.create(template=template, **{**defaults, **fields})
    ListeningPort.objects.bulk_create(ListeningPort(application=row, port_id=key, port=port)
                                      for key, port in (ports or {}).items())
    for section, keys in (options or {}).items():
        for key, value in keys.items():
            set_option(row, section, key, value)
    if status is not None:
        _somebody_heard_it()
        RuntimeStatus.objects.create(application=row, status=status, mode=mode, heard_at=timezone.now())
    return row


def set_option(row: Application, section: str, key: str, value: str, *, annex: bool = False) -> None:
    which = {"application": row, "annex": annex, "section": section, "key": key}
    option = Option.objects.filter(**which).first() or Option(**which)
    option.set_value(value)
    option.save()


def _somebody_heard_it() -> None:
    """What control says counts while it answers."""
    if not control_seen().answers:
        control_answers()


def control_answers(ago_s: float = 0.0, facts: dict | None = None) -> None:
    """Control's last sign of life, as a process sees it that has not seen any before."""
    at = timezone.now() - timedelta(seconds=ago_s)
    ControlBeat.objects.update_or_create(name=CONTROL, defaults={"at": at, "facts": facts or {}})
    clock.forget()


def make_user(name: str, *, roles: tuple[str, ...] = (), **fields) -> User:
    row = User.objects.create_user(name, **fields)
    row.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return row


def make_package(**fields) -> InstallationPackage:
    number = next(_number)
    defaults = {"name": "Message Server", "nickname": "MessageServer", "type": "MessageServer",
                "version": "8.5.100.01", "path": f"{number}.tar.gz", "sha256": f"{number:064x}", "size": 1000}
    return InstallationPackage.objects.create(**{**defaults, **fields})


def asked_to_install(version: str = "8.5.100.02", directory: str = "/srv/pairwise/MS") -> dict:
    """What of the arguments of an install job its result is compared with."""
    return {"package": {"version": version}, "directory": directory, "directory_name": "MS",
            "configuration_server": {"host": "127.0.0.1", "port": 2020}}


def make_job(application: Application, *, kind: str = JobKind.START, state: str = JobState.QUEUED, steps: int = 2,
             **fields) -> Job:
    defaults = {"application_name": application.name, "host": application.host,
                "host_name": application.host.name if application.host else "", "created_by": "ada",
                "arguments": asked_to_install() if kind == JobKind.INSTALL else {}}
    row = Job.objects.create(application=application, kind=kind, state=state, **{**defaults, **fields})
    JobStep.objects.bulk_create(JobStep(job=row, number=n, name=f"Step {n}") for n in range(steps))
    return row


def make_draft(**fields) -> ApplicationDraft:
    """A draft that every rule accepts: a Message Server on a host of its own, not installed yet."""
    number = next(_number)
    defaults = {"name": f"draft{number}", "working_directory": ".", "command_line": ".", "ports": (), "options": {},
                "annex": {}, "connections": ()}
    if "template_id" not in fields:
        defaults["template_id"] = make_template().pk
    if "host_id" not in fields:
        defaults["host_id"] = make_host().pk
    return ApplicationDraft(**{**defaults, **fields})


def port(port_id: str = "default", number: int = 7001, **fields) -> PortDraft:
    return PortDraft(port_id=port_id, port=number, **fields)


def make_pair(*, status: str | None = "Started", in_sync: bool = True, record: bool = True,
              hosts: tuple[Host, Host] | None = None, names: tuple[str, str] = ("MS_Primary", "MS_Backup"),
              **state) -> tuple[Application, Application]:
    """Primary and backup on hosts of their own, installed; ``status`` None leaves out what control would know.

    With ``record`` control knows the primary as the active server; ``state`` are fields of its PairState.
    """
    hosts = hosts or (make_host(), make_host())
    members = []
    for name, host, numbers, mode in ((names[1], hosts[1], (7101, 7102), "Backup"),
                                      (names[0], hosts[0], (7001, 7002), "Primary")):
        row = make_application(name, host=host, installed=True, auto_restart=True)
        ListeningPort.objects.create(application=row, port_id="default", port=numbers[0], protocol="stomp")
        ListeningPort.objects.create(application=row, port_id="sync", port=numbers[1], protocol="sync", ha_sync=True)
        if status is not None:
            make_runtime(row, status=status, mode=mode if status == "Started" else "")
        members.append(row)
    backup, primary = members
    primary.backup_server, primary.redundancy_type = backup, RedundancyType.WARM_STANDBY
    primary.save()
    if record:
        PairState.objects.create(primary=primary, **{
            "version": 5, "epoch": 3, "active": primary, "standby_in_sync": in_sync, "since": timezone.now(),
            "reason": f"{primary.name} was granted the role.", **state})
    return primary, backup


def make_runtime(row: Application, **fields) -> RuntimeStatus:
    """What control knows of a member that is well: in sync at record 120, all its ports held."""
    ports = [{"id": port.port_id, "port": port.port, "listening": fields.get("mode") != "Backup" or port.ha_sync}
             for port in row.ports.all()]
    _somebody_heard_it()
    return RuntimeStatus.objects.create(application=row, **{
        "epoch": 3, "last_seq": 120, "digest": "d120", "common_seq": 120, "common_digest": "d120", "link": "synced",
        "ports": ports, "version": "8.5.100.01", "pid": 4711, "heard_at": timezone.now(), **fields})


def make_followed(name: str = "MS_Primary", **fields) -> Followed:
    """A pair whose log records are read."""
    return Followed.objects.get_or_create(application_id=1, identity="20260101", defaults={"name": name, **fields})[0]


def make_record(**fields) -> Record:
    """A log record of now."""
    number = next(_number)
    now = int(timezone.now().timestamp() * 1000)
    defaults = {"epoch": 1, "seq": number, "at": now, "received": now, "level": "standard", "number": "00-04504",
                "event": 4504, "category": "application", "application": "MS_Primary", "type": "MessageServer",
                "host": "alpha", "text": f"Said {number}."}
    return Record.objects.create(pair=fields.pop("pair", None) or make_followed(), **{**defaults, **fields})


def make_maintenance(**fields) -> Maintenance:
    """One of the host of the first pair that goes on for an hour."""
    now = timezone.now()
    defaults = {"kind": MaintenanceKind.HOST, "name": "alpha", "begins_at": now, "ends_at": now + timedelta(hours=1),
                "reason": "A new disk.", "created_by": "ada"}
    return Maintenance.objects.create(**{**defaults, **fields})


def make_alarm(**fields) -> Alarm:
    """An active alarm of the predefined condition Failover Happened, raised now."""
    condition = fields.pop("condition", None) or AlarmCondition.objects.get(predefined="failover")
    at = fields.pop("raised_at", None) or timezone.now()
    defaults = {"condition_name": condition.name, "category": condition.category, "number": condition.detect_event,
                "application": "MS_Primary", "application_type": "MessageServer", "text": "It took over.",
                "raised_at": at, "last_at": at, "ends_at": at + timedelta(hours=24)}
    return Alarm.objects.create(condition=condition, **{**defaults, **fields})


def make_channel(name: str = "hook", *, kind: str = "webhook", fields: dict | None = None, **values) -> Channel:
    """A webhook that nobody answers; ``fields`` of its kind, ``secret``, ``key`` and ``url`` of chats as secrets."""
    fields = {"url": "https://192.0.2.80/hook"} if fields is None else fields
    hidden = {each.name for each in fields_of(kind) if each.secret}
    row = Channel(name=name, kind=kind, **values)
    row.set_fields({name: text for name, text in fields.items() if name not in hidden},
                   {name: text for name, text in fields.items() if name in hidden})
    row.save()
    return row


def make_target(name: str = "collector", *, address: str = "syslog+tcp://192.0.2.80:514", number: int = 0,
                **fields) -> AuditTarget:
    """An audit target that has got entries up to ``number``; by itself one that nobody answers."""
    row = AuditTarget.objects.create(name=name, address=address, **fields)
    Shipment.objects.create(target=row, number=number)
    return row


def make_rule(*channels: Channel, name: str = "all", **fields) -> NotificationRule:
    """A notification rule that tells of every alarm through ``channels``."""
    row = NotificationRule.objects.create(name=name, **fields)
    row.channels.set(channels)
    return row


def make_delivery(channel: Channel, **fields) -> Delivery:
    """A message that is due."""
    number, now = next(_number), timezone.now()
    defaults = {"message_id": f"msg_{number}", "channel_name": channel.name, "rule_name": "all", "told": "raised",
                "subject": f"Critical: MS_{number}", "text": f"It happened {number}.", "created_at": now, "due_at": now,
                "payload": {"type": "alarm.raised", "timestamp": "2026-03-02T12:00:00.000Z", "data": {"text": "é"}}}
    row = Delivery.objects.create(channel=channel, **{**defaults, **fields})
    if isinstance(row.alarms, list):
        DeliveredAlarm.objects.bulk_create([DeliveredAlarm(delivery=row, number=number) for number in row.alarms])
    return row


def make_tried(channel: Channel, **fields) -> Delivery:
    """A delivery that was tried once, and taken unless its ``state`` says otherwise."""
    state, now = fields.pop("state", DeliveryState.SENT), timezone.now()
    over = state != DeliveryState.WAITING
    row = make_delivery(channel, **{"state": state, "attempts": 1, "finished_at": now if over else None,
                                    "due_at": None if over else now, **fields})
    taken = state == DeliveryState.SENT
    DeliveryAttempt.objects.create(delivery=row, at=row.created_at, took_ms=12, status=200 if taken else 503,
                                   succeeded=taken, answer="As answered.")
    return row
