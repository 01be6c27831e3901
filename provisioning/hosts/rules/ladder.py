"""How far a host is reachable, rung by rung: what was proven, what is wrong, what to do. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from protocol.names import SERVERS_ACCOUNT
from provisioning.core import ages

OK, RISK, FAILED, UNKNOWN = "ok", "late", "failed", "unknown"
"""States of a rung, as chips: proven, works but should be looked at, does not work, not known."""
WORDS = {OK: "Holds", RISK: "Look at it", FAILED: "Does not", UNKNOWN: "Not known"}
CLOCK_RISK_S, CLOCK_LIMIT_S = 5.0, 300.0
"""A host that is off by more than the limit cannot sign its requests (host_api.SIGNATURE_AGE_S)."""
DISK_RISK_BYTES, DISK_LIMIT_BYTES = 1024**3, 100 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Installed:
    """An application of the host. ``version`` is "" while it is not installed; ``package_version`` is the one of the
    newest package of its type, "" without any. Not ``is_runnable``: Pairwise keeps it and installs nothing of it."""

    name: str
    status: str
    version: str = ""
    package_version: str = ""
    is_runnable: bool = True


@dataclass(frozen=True, kw_only=True)
class LadderFacts:
    """``addresses`` and ``reverse``: what the name and the address resolve to here, None when nobody answered in time.
    ``heard_s``: age of the agent's last word, None for not known. ``answers``: the worker answered a ping, None for not
    asked. ``offset_s``: seconds that the host's clock is ahead. ``account``: of the agent; ``accounts``: what it
    says of each Log On As (ok, missing, not permitted, console); ``resolved``: {name of the console: its addresses
    there}; both None of an agent that does not say. ``wrong_accounts``: sentences on servers that run as another
    account than they should. ``comes_back_by``: what starts the agent after a restart of the machine (systemd, cron,
    nothing; "" for the console itself), None of an agent that does not say.
    """

    name: str
    ip_address: str
    enabled: bool = True
    removed: bool = False
    addresses: tuple[str, ...] | None = None
    reverse: str | None = None
    status: str = "Unknown"
    reason: str = ""
    heard_s: float | None = None
    worker_alive: bool = False
    answers: bool | None = None
    offset_s: float | None = None
    disk_free_bytes: int | None = None
    agent_version: str = ""
    agent_build: str = ""
    console_version: str = ""
    console_build: str = ""
    account: str = ""
    accounts: dict[str, str] | None = None
    resolved: dict[str, list[str]] | None = None
    wrong_accounts: tuple[str, ...] = ()
    comes_back_by: str | None = None
    applications: tuple[Installed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rung:
    """``advice`` says what to do; "" for one that holds."""

    label: str
    state: str
    text: str
    advice: str = ""

    @property
    def word(self) -> str:
        return WORDS[self.state]


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """``deepest`` is the label of the last rung before the first that does not hold, "" when none does."""

    rungs: tuple[Rung, ...]
    deepest: str

    @property
    def is_whole(self) -> bool:
        return all(rung.state in (OK, RISK) for rung in self.rungs)

    @property
    def summary(self) -> str:
        """The ladder in a few words, with the words of its rungs."""
        if not self.is_whole:
            return f"Holds up to: {self.deepest}" if self.deepest else "No rung holds"
        risks = sum(rung.state == RISK for rung in self.rungs)
        if not risks:
            return "Every rung holds"
        holds = len(self.rungs) - risks
        return f"{holds} of {len(self.rungs)} rungs {'holds' if holds == 1 else 'hold'}, {risks} to look at"


def ladder(facts: LadderFacts) -> Ladder:
    """All rungs; those above one that does not hold say what was last known."""
    rungs = tuple(rule(facts) for rule in RULES)
    deepest = ""
    for rung in rungs:
        if rung.state not in (OK, RISK):
            break
        deepest = rung.label
    return Ladder(rungs=rungs, deepest=deepest)


def _name(facts: LadderFacts) -> Rung:
    label, name, address = "Name resolves", facts.name, facts.ip_address
    if facts.addresses is None or facts.reverse is None:
        # Hosts are reached by address: a name that does not resolve is a nuisance, no obstacle.
        return Rung(label=label, state=RISK, text="The resolver of this machine did not answer in time.",
                    advice="Check the console's name service. Nothing depends on it while IP Address is right.")
    if address not in facts.addresses:
        what = f"resolves to {', '.join(facts.addresses)}" if facts.addresses else "does not resolve"
        return Rung(label=label, state=RISK, text=f"{name} {what} here, IP Address is {address}.",
                    advice="Correct the name service, or IP Address of this host.")
    if facts.reverse.partition(".")[0].lower() != name.partition(".")[0].lower():
        what = f"belongs to {facts.reverse}" if facts.reverse else "has no name"
        return Rung(label=label, state=RISK, text=f"{name} is {address}, but {address} {what} here.",
                    advice="Correct the reverse entry in the name service.")
    return Rung(label=label, state=OK, text=f"{name} is {address}, and {address} is {facts.reverse}.")


def _agent(facts: LadderFacts) -> Rung:
    label = "Agent connected"
    if facts.heard_s is None and facts.status != "Unknown":
        return Rung(label=label, state=FAILED, text="It was never heard of.",
                    advice="Paste the line of this page on the machine; Join makes one.")
    heard = "" if facts.heard_s is None else f"Last word {facts.heard_s:.0f} s ago."
    if facts.removed:
        return Rung(label=label, state=FAILED, text=f"It was removed from the machine. {heard}",
                    advice="Press Join and paste the line on the machine, or delete the host.")
    if facts.status == "Unknown":
        return Rung(label=label, state=UNKNOWN, text=f"{facts.reason or 'Not known.'} {heard}".rstrip(),
                    advice="Control is told by the agent and tells the console: start it (./run starts it).")
    if facts.status != "Running":
        return Rung(label=label, state=FAILED, text=f"{facts.reason or facts.status} {heard}",
                    advice="Is the machine on, and does its agent run (systemctl status pairwise-agent)? Is control's "
                           "port open from there? It connects by itself.")
    if facts.heard_s is not None and facts.heard_s > ages.HOST.total_seconds():
        return Rung(label=label, state=FAILED, text=heard, advice="It should speak every 5 s: is control running?")
    return Rung(label=label, state=OK, text=heard)


def _worker(facts: LadderFacts) -> Rung:
    label = "Worker answers"
    if facts.answers:
        return Rung(label=label, state=OK, text="It answered over the broker a moment ago.")
    if facts.answers is None:
        return Rung(label=label, state=UNKNOWN, text="It was not asked, as the agent is not connected.",
                    advice="First let the agent connect.")
    if not facts.worker_alive:
        return Rung(label=label, state=FAILED, text="The agent says that it does not run.",
                    advice="The agent starts it again; worker.log on the host says why it ends.")
    return Rung(label=label, state=FAILED, text="It runs, but did not answer over the broker.",
                advice="Is the broker's port open from the host? Jobs wait until it answers.")


def _unsaid(facts: LadderFacts) -> str:
    never = facts.heard_s is None
    return "The agent says it once it has joined." if never else "Upgrade the agent, when it is connected."


def _finds_console(facts: LadderFacts) -> Rung:
    label = "Console's name resolves there"
    if facts.resolved is None:
        return Rung(label=label, state=UNKNOWN, text="The agent did not say.",
                    advice=_unsaid(facts))
    lost = [name for name, addresses in facts.resolved.items() if not addresses]
    if lost:
        return Rung(label=label, state=FAILED, text=f"{_names(lost)} does not resolve on the host.",
                    advice="Correct the host's name service or /etc/hosts: the agent cannot connect again without.")
    found = ", ".join(f"{name} is {' and '.join(addresses)}" for name, addresses in facts.resolved.items())
    return Rung(label=label, state=OK, text=f"{found} there." if found else "It finds the console by address.")


def _accounts(facts: LadderFacts) -> Rung:
    label = "Accounts"
    if facts.accounts is None:
        return Rung(label=label, state=UNKNOWN, text="The agent did not say which accounts it has.",
                    advice=_unsaid(facts))
    missing = [name for name, state in facts.accounts.items() if state == "missing"]
    barred = [name for name, state in facts.accounts.items() if state == "not permitted"]
    if missing:
        return Rung(label=label, state=FAILED, text=f"Log On As {_names(missing)}: no such account on the host.",
                    advice="Create it there, or correct Log On As of the application.")
    if barred:
        return Rung(label=label, state=FAILED, text=f"Log On As {_names(barred)}: the agent runs as {facts.account} "
                    "and cannot change accounts.", advice="Let the host join as root, or clear Log On As.")
    if shared := [name for name, state in facts.accounts.items() if state == "console"]:
        return Rung(label=label, state=RISK, text=f"Log On As {_names(shared)}: a console on that machine runs as the "
                    "same account, so servers could read its secrets.",
                    advice=f"Install them again with Log On As {SERVERS_ACCOUNT}.")
    if facts.wrong_accounts:
        return Rung(label=label, state=RISK, text=" ".join(facts.wrong_accounts[:3]),
                    advice="Stop it and start it from the console.")
    used = f"{_names(list(facts.accounts))} may be used. " if facts.accounts else ""
    return Rung(label=label, state=OK, text=f"{used}The agent runs as {facts.account}.")


def _clock(facts: LadderFacts) -> Rung:
    label, offset = "Clock", facts.offset_s
    if offset is None:
        return Rung(label=label, state=UNKNOWN, text="The agent did not say what time it has.",
                    advice=_unsaid(facts))
    ahead = f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} the console."
    if abs(offset) > CLOCK_LIMIT_S:
        return Rung(label=label, state=FAILED, text=ahead,
                    advice="Set its clock: the console refuses requests that are signed more than 5 minutes off.")
    if abs(offset) > CLOCK_RISK_S:
        return Rung(label=label, state=RISK, text=ahead, advice="Let the host follow a time server: logs are compared.")
    return Rung(label=label, state=OK, text=ahead)


def _disk(facts: LadderFacts) -> Rung:
    label, free = "Disk", facts.disk_free_bytes
    if free is None or free < 0:
        return Rung(label=label, state=UNKNOWN, text="Free space is not known.",
                    advice="The agent reports it once it is connected and its install directory exists.")
    text = f"{free / 1024**3:.1f} GB free where applications are installed."
    if free < DISK_LIMIT_BYTES:
        return Rung(label=label, state=FAILED, text=text, advice="Free some space: servers cannot store messages.")
    if free < DISK_RISK_BYTES:
        return Rung(label=label, state=RISK, text=text, advice="Free some space, or keep messages for less long.")
    return Rung(label=label, state=OK, text=text)


def _comes_back(facts: LadderFacts) -> Rung:
    label, by = "Comes back after a restart", facts.comes_back_by
    if by is None:
        return Rung(label=label, state=UNKNOWN, text="The agent did not say.",
                    advice=_unsaid(facts))
    if by == "nothing":
        return Rung(label=label, state=RISK, text="Nothing starts the agent when the machine was started anew.",
                    advice="Run current/boot.py of its directory at boot, or let cron run and upgrade the agent.")
    return Rung(label=label, state=OK, text=f"{by or 'The console'} starts the agent.")


def _version(facts: LadderFacts) -> Rung:
    label, found = "Agent version", facts.agent_version
    if not found:
        return Rung(label=label, state=UNKNOWN, text="Not known.", advice="The agent says it when it connects.")
    build = facts.agent_build
    differs = found != facts.console_version or (build and facts.console_build and build != facts.console_build)
    if facts.console_version and differs:
        return Rung(label=label, state=RISK, text=f"{build or found}; the console has "
                                                  f"{facts.console_build or facts.console_version}.",
                    advice="Press Upgrade Agent and paste the line; servers keep running.")
    return Rung(label=label, state=OK, text=f"{found}, as the console's.")


def _applications(facts: LadderFacts) -> Rung:
    label, rows = "Applications", [row for row in facts.applications if row.is_runnable]
    kept = len(facts.applications) - len(rows)
    missing = [row.name for row in rows if not row.version]
    gave_up = [row.name for row in rows if row.status == "Gave Up"]
    older = [row.name for row in rows if row.version and row.package_version and row.version != row.package_version]
    text = f"{len(rows) - len(missing)} of {len(rows)} installed." if rows or kept else "None is assigned to this host."
    if kept:
        text = (f"{text if rows else ''} {kept} {'is' if kept == 1 else 'are'} of types that Pairwise does not "
                "install.").lstrip()
    if gave_up:
        return Rung(label=label, state=FAILED, text=f"{text} Gave up: {_names(gave_up)}.",
                    advice="Its log says why it failed again and again; Start begins anew.")
    if missing:
        return Rung(label=label, state=RISK, text=f"{text} Not installed: {_names(missing)}.",
                    advice="Install them from the Applications list.")
    if older:
        return Rung(label=label, state=RISK, text=f"{text} Another version than the newest package: {_names(older)}.",
                    advice="Install them again to bring them up to date.")
    return Rung(label=label, state=OK, text=text)


def _names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")


RULES: tuple[Callable[[LadderFacts], Rung], ...] = (
    _name, _agent, _worker, _finds_console, _clock, _disk, _accounts, _comes_back, _version, _applications)
