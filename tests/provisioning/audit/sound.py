"""A pair that is set up right, as facts, and ways to change one thing of it."""

from dataclasses import replace
from datetime import UTC, datetime

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.judgement import judge
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import Link
from provisioning.jobs.facts import Parameter, StartFile, StartFiles
from provisioning.jobs.found import Found, FoundFile, FoundProcess
from provisioning.pairs.rules.members import Live, Machine, PortUse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
VERSION = "8.5.100.01"
SERVERS = (("console", 2020),)
LOG = {"verbose": "standard", "all": "stdout, network"}
LOG_TO = Link("application", "9", "MS_Log")


def ports(first: int) -> tuple[PortDraft, ...]:
    return (PortDraft(port_id="default", port=first, protocol="stomp"),
            PortDraft(port_id="sync", port=first + 1, protocol="sync", ha_sync=True))


def arguments(name: str) -> str:
    return f"-host console -port 2020 -app {name}"


def draft(name: str, host_id: int, **fields) -> ApplicationDraft:
    return ApplicationDraft(**{
        "name": name, "template_id": 1, "host_id": host_id, "working_directory": f"/opt/{name}",
        "command_line": "./MessageServer", "command_line_arguments": arguments(name), "auto_restart": True,
        "ports": ports(7001), "connections": (), "options": {"log": LOG},
        "annex": {}, **fields})


def machine(number: int, name: str) -> Machine:
    return Machine(
        id=number, name=name, ip_address=f"192.0.2.{number}", os_type="Linux", lca_port=4999, status="Running",
        heard_at=NOW, agent_version=VERSION, agent_build="b1", accounts={}, comes_back_by="systemd",
        account="pairwise",
        clock_offset_s=0.1, disk_free_bytes=50 * 1024**3,
        uses={4999: (PortUse(None, "the agent (LCA Port)"),)})


def live(mode: str) -> Live:
    return Live(status="Started", mode=mode, heard_at=NOW, pid=4711, account="pairwise", version=VERSION, link="synced",
                last_seq=120, common_seq=120, common_digest="d120", ports={"default": 7001, "sync": 7002},
                started_at=NOW)


def start_file(name: str) -> StartFile:
    return StartFile(name="run.sh", present=True, sha256="a" * 64, starts=True, equal=True, sentence="As it should be.",
                     parameters=tuple(Parameter(key, value, value, "right") for key, value in (
                         ("-host", "console"), ("-port", "2020"), ("-app", name))))


def found(name: str, host_id: int) -> Found:
    files = StartFiles(job_id=None, kind="check_start_files", checked_at=NOW, equal=True, starts=True, outdated="",
                       files=(start_file(name),))
    return Found(
        at=NOW, host_id=host_id, directory=FoundFile(present=True, path=f"/opt/{name}", owner="pairwise"),
        program=FoundFile(present=True, path=f"/opt/{name}/MessageServer", owner="pairwise"), start_files=files,
        process=FoundProcess(pid=4711, account="pairwise", arguments=tuple(arguments(name).split())),
        names={"alpha": ("192.0.2.1",), "beta": ("192.0.2.2",)}, reverse={"192.0.2.1": "alpha", "192.0.2.2": "beta"},
        runs=True, version=VERSION, changed=(), disk_free_bytes=50 * 1024**3)


def member(number: int, name: str, host: Machine, mode: str) -> AuditedMember:
    return AuditedMember(id=number, draft=draft(name, host.id), type="MessageServer", version=VERSION,
                  template="Message_Server", host=host, live=live(mode), found=found(name, host.id),
                  longest_start_s=1.0)


def sound() -> AuditFacts:
    primary = member(1, "MS_Primary", machine(1, "alpha"), "Primary")
    backup = member(2, "MS_Backup", machine(2, "beta"), "Backup")
    primary = replace(primary, draft=replace(primary.draft, backup_server_id=2, redundancy_type="warm standby"))
    return AuditFacts(now=NOW, primary=primary, backup=replace(backup, primaries=(primary.link,)), servers=SERVERS,
                      agent_build="b1", version=5, active_id=1, in_sync=True, log_to=LOG_TO)


# --- changes: each gives the facts with one thing that is not right


def of_primary(**fields):
    return lambda facts: replace(facts, primary=replace(facts.primary, **fields))


def of_backup(**fields):
    return lambda facts: replace(facts, backup=replace(facts.backup, **fields))


def _in(part):
    """Fields of a part of the backup."""
    return lambda **fields: lambda facts: replace(
        facts, backup=replace(facts.backup, **{part: replace(getattr(facts.backup, part), **fields)}))


typed, says, on_host, shows = map(_in, ("draft", "live", "host", "found"))
"""Of its draft, of its last word, of its host, of what a job found of it."""


def typed_in_both(**fields):
    def change(facts):
        changed = {side: replace(member, draft=replace(member.draft, **fields)) for side in ("primary", "backup")
                   if (member := getattr(facts, side))}
        return replace(facts, **changed)

    return change


def as_account(name: str):
    """Both processes run as it."""
    return lambda facts: replace(facts, **{side: replace(member, live=replace(member.live, account=name)) for side in
                                           ("primary", "backup") if (member := getattr(facts, side))})


def whole(**fields):
    return lambda facts: replace(facts, **fields)


def one_after_another(*changes):
    def change(facts):
        for each in changes:
            facts = each(facts)
        return facts

    return change


def on_one_host(facts: AuditFacts) -> AuditFacts:
    """Both members on alpha, apart as the guide wants it."""
    host = facts.primary.host
    backup = replace(
        facts.backup, host=host, draft=replace(facts.backup.draft, host_id=1, ports=ports(7101)),
        live=replace(facts.backup.live, ports={"default": 7101, "sync": 7102}),
        found=replace(facts.backup.found, host_id=1))
    return replace(facts, backup=backup)


def connection(server_id: int = 8) -> ConnectionDraft:
    return ConnectionDraft(server_id=server_id)


def codes(facts) -> set[str]:
    return {rule.code for rule, _ in judge(facts).troubles}
