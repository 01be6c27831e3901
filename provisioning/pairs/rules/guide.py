"""The guide's procedure for a redundant pair as a checklist: what is done, what is not, why, and what does it. Pure.

Steps 1 to 5 carry the guide's numbers ("Installation and Configuration"); 6 is "Starting the Backup Message Server".
"""

from dataclasses import dataclass, field, replace

from provisioning.core.systems import is_windows
from provisioning.core.text import closed
from provisioning.errors import Link
from provisioning.states import ENDED, FINISHED_JOBS, JobState, RedundancyType

from .failover_facts import Condition
from .members import Member

DONE, NOT_DONE, WRONG, NOT_KNOWN = "done", "not done", "wrong", "not known"


@dataclass(frozen=True)
class Button:
    """What does a step: ``verb`` names the page or verb, ``key`` the application or job it is about."""

    verb: str
    label: str
    key: str = ""


@dataclass(frozen=True)
class Item:
    """One condition of a step. ``why`` says what was found; ``diff`` is the unified diff of a file that is not as it
    should be."""

    label: str
    state: str
    why: str = ""
    buttons: tuple[Button, ...] = ()
    diff: str = ""


@dataclass(frozen=True)
class Step:
    number: int
    title: str
    items: tuple[Item, ...]
    buttons: tuple[Button, ...] = ()

    @property
    def state(self) -> str:
        """The worst of its items: wrong, then not done, then not known, then done."""
        return next((state for state in (WRONG, NOT_DONE, NOT_KNOWN) if any(i.state == state for i in self.items)),
                    DONE)


@dataclass(frozen=True, kw_only=True)
class StartFile:
    """What the last look at run.sh (or startServer.bat) on the host found. ``right``: it passes the right -host, -port
    and -app; ``as_written``: it is what an installation writes; ``outdated``: why that says nothing about the object
    as it is now; ``trouble``: why the look itself failed; ``busy``: the job that looks now."""

    right: bool = False
    as_written: bool = False
    outdated: str = ""
    sentence: str = ""
    trouble: str = ""
    busy: Link | None = None
    diff: str = ""


@dataclass(frozen=True, kw_only=True)
class MemberSetup:
    """One server and what jobs did with it on its host. ``installing``: (state, link, reason) of the last job that
    installed it, None when there was none."""

    server: Member
    installing: tuple[str, Link, str] | None = None
    start_file: StartFile | None = None

    @property
    def start_file_name(self) -> str:
        host = self.server.host
        return "startServer.bat" if host is not None and is_windows(host.os_type) else "run.sh"


@dataclass(frozen=True, kw_only=True)
class GuideFacts:
    """``backup`` is the Backup Server, or, while the primary names none (``linked`` False), the server that somebody
    means to make it; None while there is none. ``differences``: how many are left for Synchronize, None while there is
    no pair; ``missing``: why failover would not work now."""

    primary: MemberSetup
    backup: MemberSetup | None = None
    linked: bool = False
    differences: int | None = None
    in_sync: bool = False
    missing: tuple[Condition, ...] = field(default=())

    @property
    def members(self) -> tuple[MemberSetup, ...]:
        return (self.primary, self.backup) if self.backup else (self.primary,)


def procedure(facts: GuideFacts) -> tuple[Step, ...]:
    """Every step, in the order of the guide."""
    return (_backup_object(facts), _installed(facts), _primary_modified(facts), _start_files(facts),
            _synchronized(facts), _started(facts), _proven(facts))


def _after(label: str, number: int) -> Item:
    return Item(label, NOT_DONE, f"Comes after step {number}.")


def _edit(member: MemberSetup) -> Button:
    return Button("edit", f"Open {member.server.name}", str(member.server.id))


# --- step 1


def _backup_object(facts: GuideFacts) -> Step:
    title = "Configure an Application object for the backup"
    key = str(facts.primary.server.id)
    new = (Button("new", "New", key), Button("clone", f"Clone {facts.primary.server.name}", key))
    if facts.backup is None:
        needs = "It needs one port for clients and one with HA Sync. The template proposes both."
        return Step(1, title, (Item("Application object", NOT_DONE, "No server is chosen to be the backup."),
                               Item("Listening Ports", NOT_DONE, needs)), new)
    backup = facts.backup
    items = (Item("Application object", DONE, f"{backup.server.name} is saved."), _template(facts.primary, backup),
             _host(backup), _ports(backup), _auto_restart(backup))
    edit = () if all(item.state == DONE for item in items) else (_edit(backup),)
    return Step(1, title, items, edit if facts.linked else edit + new)


def _template(primary: MemberSetup, backup: MemberSetup) -> Item:
    ours, theirs = primary.server, backup.server
    if theirs.type != ours.type:
        return Item("Application Template", WRONG, f"{theirs.template} makes a {theirs.type_label}; the primary is a "
                                                   f"{ours.type_label}. Create the backup from the primary's template.")
    return Item("Application Template", DONE, theirs.template)


def _host(backup: MemberSetup) -> Item:
    if not backup.server.host_name:
        return Item("Host", NOT_DONE, "Choose the Host with the search icon in Server Info.")
    return Item("Host", DONE, backup.server.host_name)


def _ports(member: MemberSetup) -> Item:
    ports = member.server.draft.ports or ()
    clients = [str(port.port) for port in ports if not port.ha_sync]
    sync = [str(port.port) for port in ports if port.ha_sync]
    if not clients:
        return Item("Listening Ports", NOT_DONE, "Add the port that clients connect to.")
    if not sync:
        return Item("Listening Ports", WRONG, "Add a port with HA Sync: the other member fetches its messages there.")
    return Item("Listening Ports", DONE, f"{', '.join(clients)} for clients, {', '.join(sync)} for HA Sync.")


def _auto_restart(backup: MemberSetup) -> Item:
    if backup.server.draft.auto_restart:
        return Item("Auto-Restart", DONE, "Selected.")
    return Item("Auto-Restart", NOT_DONE, "Select it, so that the agent starts the server again after a failure.")


# --- step 2


def _installed(facts: GuideFacts) -> Step:
    items = tuple(_installation(member) for member in facts.members)
    if facts.backup is None:
        items = (*items, _after("The backup is installed", 1))
    return Step(2, "Install it", items)


def _installation(member: MemberSetup) -> Item:
    name, key = member.server.name, str(member.server.id)
    label = f"{name} on {member.server.host_name}" if member.server.host_name else name
    state, job, reason = member.installing or ("", None, "")
    look = (Button("job", "Open the job", job.key),) if job else ()
    if state and state not in FINISHED_JOBS:
        return Item(label, NOT_DONE, "The installation is running.", look)
    install = (Button("install", f"Install {name}", key),)
    if state and state != JobState.SUCCEEDED and not member.server.installed:
        return Item(label, WRONG, f"The last installation did not succeed. {reason}".strip(), install + look)
    if member.server.installed:
        return Item(label, DONE, f"In {member.server.working_directory}.")
    return Item(label, NOT_DONE, "Its Working Directory and Command Line are filled in by the installation.",
                install if member.server.host_name else ())


# --- step 3


def _primary_modified(facts: GuideFacts) -> Step:
    title, primary = "Modify the primary", facts.primary
    warm = facts.primary.server.draft.redundancy_type == RedundancyType.WARM_STANDBY
    backup = facts.backup.server.name if facts.backup else "the backup"
    chosen = Item("Backup Server", DONE, backup) if facts.linked else Item(
        "Backup Server", NOT_DONE, f"Choose {backup} in the Server Info of {primary.server.name} and save.")
    kind = Item("Redundancy Type", DONE, "Warm Standby.") if warm else Item(
        "Redundancy Type", WRONG if facts.linked else NOT_DONE, "Choose Warm Standby: it is the only type that Message "
                                                                "Servers support.")
    restart = Item("Auto-Restart, if required", DONE, "Selected." if primary.server.draft.auto_restart else
                   "Not selected: somebody has to start the primary again after a failure.")
    done = facts.linked and warm
    ports = _ports(primary)
    if not facts.linked and ports.state == WRONG:
        ports = replace(ports, state=NOT_DONE)
    items = (ports, *(() if done else (_both_stopped(facts),)), chosen, kind, restart)
    return Step(3, f"{title}, {primary.server.name}", items,
                () if all(item.state == DONE for item in items) else (_edit(primary),))


def _both_stopped(facts: GuideFacts) -> Item:
    """Backup Server and Redundancy Type change only then."""
    label, servers = "Both servers stopped", [member.server for member in facts.members]
    running = [server for server in servers if server.status not in ENDED and (server.installed or server.runs)]
    if not running:
        return Item(label, DONE, "So Backup Server and Redundancy Type can be changed.")
    states = " and ".join(f"{server.name} is {server.status}" for server in running)
    stop = Button("stop", "Stop both" if len(running) > 1 else f"Stop {running[0].name}",
                  " ".join(str(server.id) for server in running))
    return Item(label, NOT_DONE, f"{states}. Backup Server and Redundancy Type change only while both are stopped.",
                (stop,))


# --- step 4


def _start_files(facts: GuideFacts) -> Step:
    names = dict.fromkeys(member.start_file_name for member in facts.members)
    items = tuple(_start_file(member) for member in facts.members)
    if facts.backup is None:
        items = (*items, _after("The start file of the backup", 1))
    return Step(4, f"Check {' and '.join(names)} on each host", items)


def _start_file(member: MemberSetup) -> Item:
    found, key = member.start_file, str(member.server.id)
    label = f"{member.start_file_name} of {member.server.name}" + (
        f" on {member.server.host_name}" if member.server.host_name else "")
    if not member.server.installed:
        return _after(label, 2)
    check = (Button("check-start-files", "Check again" if found else "Check", key),)
    repair = (Button("repair-start-files", "Repair", key),)
    if found is None:
        return Item(label, NOT_KNOWN, "It was never looked at on the host.", check)
    if found.busy:
        return Item(label, NOT_KNOWN, "It is being looked at.", (Button("job", "Open the job", found.busy.key),))
    if found.trouble:
        return Item(label, NOT_KNOWN, found.trouble, check)
    if found.outdated:
        return Item(label, NOT_KNOWN, found.outdated, check)
    if not found.right:
        return Item(label, WRONG, found.sentence, repair + check, found.diff)
    return Item(label, DONE, found.sentence, check if found.as_written else repair + check, found.diff)


# --- steps 5 and 6, and the proof


def _synchronized(facts: GuideFacts) -> Step:
    title, label = "Synchronize options and ports", "Options and ports of both members"
    if facts.differences is None:
        return Step(5, title, (_after(label, 3),))
    if facts.differences:
        count = f"{facts.differences} difference{'s' if facts.differences != 1 else ''}"
        verb = "are" if facts.differences != 1 else "is"
        return Step(5, title, (Item(label, NOT_DONE, f"{count} {verb} left that no exception covers."),),
                    (Button("synchronize", "Synchronize", str(facts.primary.server.id)),))
    return Step(5, title, (Item(label, DONE, "Nothing differs that should not."),))


def _started(facts: GuideFacts) -> Step:
    items = tuple(_running(member) for member in facts.members)
    stopped = [member for member in facts.members if not member.server.runs and member.server.installed]
    start = (Button("start", "Start both" if len(stopped) > 1 else f"Start {stopped[0].server.name}",
                    " ".join(str(member.server.id) for member in stopped)),) if stopped else ()
    if facts.backup is None:
        items = (*items, _after("The backup is started", 1))
    return Step(6, "Start both", items, start)


def _running(member: MemberSetup) -> Item:
    server = member.server
    if server.serves or server.stands_by:
        return Item(server.name, DONE, f"Started as {server.mode}.")
    if not server.installed:
        return _after(server.name, 2)
    return Item(server.name, NOT_DONE, f"{server.status}. {closed(server.reason)}".strip())


def _proven(facts: GuideFacts) -> Step:
    title = "See that failover would work"
    if not facts.linked:
        return Step(7, title, (_after("In sync", 3), _after("Failover", 3)))
    in_sync = Item("In sync", DONE, "Both members have every message.") if facts.in_sync else Item(
        "In sync", NOT_DONE, "The standby does not have every message.")
    missing = [Item(each.label, NOT_DONE, each.sentence) for each in facts.missing if each.code != "in_sync"]
    works = missing or [Item("Failover would work now", DONE, "Nothing is missing.")]
    return Step(7, title, (in_sync, *works) if facts.in_sync or missing else (in_sync,))
