"""The hosts: agent, names, clock, disk."""

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import NotKnown, Results, Trouble, Value, rule
from provisioning.audit.sentences import on_each_host, unsaid, wanted
from provisioning.hosts.rules.ladder import CLOCK_RISK_S, DISK_LIMIT_BYTES, DISK_RISK_BYTES
from provisioning.jobs.found import Found
from provisioning.models.applications import SYSTEM_ACCOUNT
from provisioning.models.hosts import LCA_PORT_MAX, LCA_PORT_MIN
from provisioning.pairs.rules.members import Machine
from provisioning.states import Severity

GIB = 1024**3


@rule("A36", Severity.ERROR, "The agents of both hosts are connected", singles=True, on_hosts=True,
      why="Without its agent a server cannot be started, watched or restarted, and its death is noticed late.",
      fix="Start the agent (LCA) on the host; the host's page says what is wrong with it.")
def agent(facts: AuditFacts) -> Results:
    for host in _hosts(facts):
        if not LCA_PORT_MIN <= host.lca_port <= LCA_PORT_MAX:
            yield _of(host, f"LCA Port of host {host.name} is {host.lca_port}.", f"{LCA_PORT_MIN} to {LCA_PORT_MAX}",
                      str(host.lca_port), "LCA Port", facts)
        if not facts.control_answers:
            yield NotKnown(sentence=f"Control does not run, so whether the agent of host {host.name} is connected is "
                                    "not known. Start control.", about=_about(facts, host))
        elif not host.answers(facts.now):
            yield _of(host, f"The agent of host {host.name} is not connected. {host.reason}".strip(), "Running",
                      host.status if host.heard_at else "never heard of", "Agent", facts)


@rule("A37", Severity.WARNING, "Names resolve to the right addresses", singles=True, on_hosts=True,
      why="Where the name of a host leads elsewhere, the standby and the clients go elsewhere.",
      fix="Correct the name service or /etc/hosts of the machine, or IP Address of the Host.")
def names(facts: AuditFacts) -> Results:
    hosts = _hosts(facts)
    for host in hosts:
        if len(hosts) > 1 and _is_loopback(host.ip_address):
            yield Trouble(subject=f"{host.name}: IP Address", about=_about(facts, host), sentence=(
                f"Host {host.name} has the IP Address {host.ip_address}, which leads every machine to itself: the "
                "other server does not reach this one."), values=(
                    Value("IP Address, wanted", "one that other machines reach"),
                    Value("IP Address, now", host.ip_address)))

    def wrong(member: AuditedMember, found: Found) -> Results:
        if found.names is None:
            yield unsaid(member, "what the names of the hosts resolve to")
            return
        for host in hosts:
            addresses = found.names.get(host.name)
            # On many systems a machine's own name leads to its loopback, and nobody is led elsewhere by it.
            own = member.id in _about(facts, host) and addresses and all(map(_is_loopback, addresses))
            if addresses is None:
                yield NotKnown(sentence=f"On host {member.host_name} nobody said in time what the name {host.name} "
                                        "resolves to. Look at its name service, then audit again.", about=(member.id,))
            elif host.ip_address not in addresses and not _is_address(host.name) and not own:
                yield Trouble(subject=f"{member.host_name}: {host.name}", about=(member.id,), sentence=(
                    f"On host {member.host_name}, the name {host.name} "
                    + (f"resolves to {', '.join(addresses)}." if addresses else "does not resolve.")),
                    values=(Value("IP Address", host.ip_address), Value(f"On {member.host_name}",
                                                                       ", ".join(addresses) or "(none)")))
            name = (found.reverse or {}).get(host.ip_address)
            if name and not _same_name(name, host.name) and not _is_loopback(host.ip_address):
                yield Trouble(subject=f"{member.host_name}: {host.ip_address}", about=(member.id,), sentence=(
                    f"On host {member.host_name}, the address {host.ip_address} belongs to {name}."),
                    values=(Value("Name", host.name), Value(f"On {member.host_name}", name)))

    yield from on_each_host(facts, wrong)


@rule("A50", Severity.NOTE, "Clocks agree", singles=True, on_hosts=True,
      why="With clocks apart the logs of both members cannot be read together, and signed jobs are refused.",
      fix="Let the host follow a time server.")
def clocks(facts: AuditFacts) -> Results:
    for host in _hosts(facts):
        if not host.answers(facts.now) or host.clock_offset_s is None:
            yield NotKnown(sentence=f"The clock of host {host.name} is not known.", about=_about(facts, host))
        elif abs(host.clock_offset_s) > CLOCK_RISK_S:
            way = "ahead of" if host.clock_offset_s > 0 else "behind"
            yield _of(host, f"The clock of host {host.name} is {abs(host.clock_offset_s):.0f} s {way} the console's.",
                      f"within {CLOCK_RISK_S:.0f} s", f"{way} by more than {CLOCK_RISK_S:.0f} s", "Clock", facts)


@rule("A56", Severity.WARNING, "Enough disk for messages", singles=True, on_hosts=True,
      why="A server that cannot write its messages accepts none; a standby that cannot falls out of sync.",
      fix="Free some space, or keep messages for less long.")
def disk(facts: AuditFacts) -> Results:
    """The disk of each member's own directory; where nobody looked at that, the one that its agent tells of."""
    for host in _hosts(facts):
        unseen = []
        for member in facts.members:
            if member.host is None or member.host.id != host.id:
                continue
            found = facts.found_at(member)
            if found is None or found.disk_free_bytes is None:
                unseen.append(member)
            elif found.disk_free_bytes < DISK_RISK_BYTES:
                yield wanted(member, f"The disk of host {host.name} where {member.name} keeps its messages has "
                             f"{_room(found.disk_free_bytes)}.", _ENOUGH, _left(found.disk_free_bytes),
                             subject=f"{member.name}: Disk", want_label="Disk, wanted", got_label="Disk, now")
        if unseen:
            yield from _disk_of(host, facts)


def _disk_of(host: Machine, facts: AuditFacts) -> Results:
    free = host.disk_free_bytes
    if not host.answers(facts.now) or free is None or free < 0:
        yield NotKnown(sentence=f"The free disk space of host {host.name} is not known.", about=_about(facts, host))
    elif free < DISK_RISK_BYTES:
        yield _of(host, f"The disk of host {host.name} where applications are installed has {_room(free)}.", _ENOUGH,
                  _left(free), "Disk", facts)


_ENOUGH = f"{DISK_RISK_BYTES // GIB} GB free"


def _left(free: int) -> str:
    return "less than 100 MB" if free < DISK_LIMIT_BYTES else "less than 1 GB"


def _room(free: int) -> str:
    if free >= DISK_LIMIT_BYTES:
        return f"{free / GIB:.1f} GB free"
    return f"{free // 1024**2} MB free" if free >= 1024**2 else "no room left"


def _hosts(facts: AuditFacts) -> list[Machine]:
    return list({member.host.id: member.host for member in facts.members if member.host}.values())


def _about(facts: AuditFacts, host: Machine) -> tuple[int, ...]:
    return tuple(member.id for member in facts.members if member.host and member.host.id == host.id)


def _of(host: Machine, sentence: str, want: str, got: str, label: str, facts: AuditFacts) -> Trouble:
    return Trouble(subject=f"{host.name}: {label}", sentence=sentence, about=_about(facts, host),
                   values=(Value(f"{label}, wanted", want), Value(f"{label}, now", got)))


def _is_address(name: str) -> bool:
    return name.replace(".", "").isdigit() or ":" in name


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _same_name(one: str, other: str) -> bool:
    return one.partition(".")[0].casefold() == other.partition(".")[0].casefold()


@rule("A60", Severity.WARNING, "The agents come back after a restart of the machine", singles=True, on_hosts=True,
      why="On a machine whose agent does not start at boot, no server comes back after a power cut: the pair goes on "
          "without a standby.",
      fix="Let the agent run as a systemd service, or let cron run and upgrade the agent.")
def comes_back(facts: AuditFacts) -> Results:
    for host in _hosts(facts):
        if host.answers(facts.now) and host.comes_back_by == "nothing":
            yield _of(host, f"Nothing starts the agent of host {host.name} when the machine was started anew.",
                      "systemd or cron", "nothing", "Agent started at boot by", facts)


@rule("A61", Severity.NOTE, "The agents are of the console's version", singles=True, on_hosts=True,
      why="An older agent does not know every job, so some rules cannot be judged on its host.",
      fix="Press Upgrade Agent on the host's page and paste the line; servers keep running.")
def agent_version(facts: AuditFacts) -> Results:
    for host in _hosts(facts):
        if facts.agent_build and host.agent_build and host.agent_build != facts.agent_build:
            yield _of(host, f"The agent of host {host.name} is of another build than the console's.",
                      facts.agent_build, host.agent_build, "Agent", facts)


@rule("A62", Severity.ERROR, "The log-on accounts exist on their hosts", singles=True, on_hosts=True,
      why="A server whose account does not exist, or may not be taken by the agent, cannot be started there. One that "
          "runs as the account of a console on that machine could read the console's secrets.",
      fix="Create the account on the host or correct Log On As; an agent that is not root can start servers only as "
          "itself. Beside a console install the server again as pairwise-servers.")
def account_exists(facts: AuditFacts) -> Results:
    for member in facts.members:
        host, account = member.host, member.draft.log_on_as
        if host is None or not host.answers(facts.now):
            continue
        state = (host.accounts or {}).get(account)
        if account in ("", SYSTEM_ACCOUNT) or state in (None, "ok"):
            continue
        why = {"missing": "does not exist", "console": "is that of a console"}.get(
            str(state), f"may not be taken by the agent, which runs as {host.account}")
        yield wanted(member, f"Log On As {account} of {member.name} {why} on host {host.name}.", "ok", state,
                     want_label=f"{account} on {host.name}, wanted", got_label=f"{account} on {host.name}, now")
