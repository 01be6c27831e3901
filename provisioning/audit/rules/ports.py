"""Listening Ports: numbers that are free, IDs that both have, what is secured."""

import re

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import Results, Trouble, Value, rule
from provisioning.audit.sentences import between, of_each, on_each_host, wanted
from provisioning.jobs.found import Found
from provisioning.models.applications import PORT_MAX, PORT_MIN
from provisioning.states import Severity

from .accounts import runs_as_root

STEP_1, STEP_5 = "Installation and Configuration, step 1", "Installation and Configuration, step 5"
RECOMMENDED = "Installation Recommendations"
FIRST_FREE = 1024
_SECURITY = re.compile(r"ports\.(.+)\.(protocol|listening_mode|transport_parameters)$")


@rule("A11", Severity.ERROR, "No port number of both on one host", guide=RECOMMENDED,
      why="Two servers cannot listen on one port of one host: the second start fails (event 00-04526).",
      fix="Give one of them another port number, then restart it.")
def own_numbers(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    if facts.on_one_host:
        ours = {port.port: port.port_id for port in primary.draft.ports or ()}
        for port in backup.draft.ports or ():
            if port.port in ours:
                yield between(facts, f"ports.{port.port_id}", f"Both members listen on port {port.port} of host "
                              f"{primary.host_name}.", f"{ours[port.port]} {port.port}",
                              f"{port.port_id} {port.port}")


@rule("A12", Severity.ERROR, "No port number of another application", singles=True, guide=RECOMMENDED,
      why="The server that starts second finds its port taken (event 00-04526), or clients reach the wrong one.",
      fix="Give one of them another port number, then restart it.")
def free_numbers(facts: AuditFacts) -> Results:
    pair = {member.id for member in facts.members}

    def wrong(member: AuditedMember) -> Results:
        uses = member.host.uses if member.host else {}
        for port in member.draft.ports or ():
            for use in uses.get(port.port, ()):
                if use.application_id not in pair:
                    yield Trouble(
                        subject=f"{member.name}: ports.{port.port_id}", about=(member.id, *filter(None, [
                            use.application_id])),
                        sentence=f"Port {port.port} of {member.name} is used on host {member.host_name} by {use.name}.",
                        values=(Value(member.name, f"{port.port_id} {port.port}"),
                                Value(use.name, f"{use.port_id} {port.port}".strip())))

    return of_each(facts, wrong)


@rule("A13", Severity.ERROR, "The same port IDs on both", guide=STEP_5, remedy="synchronize",
      why="Clients refer to a port by its ID: after a switchover one that only the other member has is not found.",
      fix="Synchronize the pair, or add the port by hand.")
def same_ids(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    for row in facts.differences:
        # An ID may have dots; what is about one field of a port says so after its ID.
        if row.what.startswith("ports.") and row.label == f"Listening Port {row.what.removeprefix('ports.')}":
            missing = backup if row.backup == "(none)" else primary
            yield between(facts, row.what, f"{missing.name} has no port {row.what.removeprefix('ports.')}.",
                          row.primary, row.backup)


@rule("A14", Severity.WARNING, "One port with the ID default", singles=True, guide=STEP_1,
      why="Clients whose connection names no port ID use default.",
      fix="Give the port that clients use the ID default.")
def default_port(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        ids = [port.port_id for port in member.draft.ports or ()]
        if "default" not in ids:
            yield wanted(member, f"{member.name} has no port with the ID default.", "default", ", ".join(ids),
                         want_label="Port ID, wanted", got_label="Port IDs, now")

    return of_each(facts, wrong)


@rule("A18", Severity.ERROR, "Port numbers that can be opened", singles=True,
      why="A number outside 1 to 65535 is no port; below 1024 only root may listen.",
      fix="Choose a number from 1024 to 65535.")
def valid_numbers(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        for port in member.draft.ports or ():
            is_port = isinstance(port.port, int) and PORT_MIN <= port.port <= PORT_MAX
            if not is_port or (port.port < FIRST_FREE and not runs_as_root(member)):
                yield wanted(member, f"Port {port.port_id} of {member.name} has the number {port.port}, which "
                             f"{'is no port number' if not is_port else 'only root may open'}.",
                             f"{FIRST_FREE} to {PORT_MAX}", port.port, subject=f"{member.name}: ports.{port.port_id}",
                             want_label="Port, wanted", got_label="Port, now")

    return of_each(facts, wrong)


@rule("A19", Severity.WARNING, "HA Sync on the same port ID", guide=STEP_5, remedy="synchronize",
      why="The standby fetches the messages at the port with HA Sync: without it, or with another one after a "
          "switchover, the copies are not kept equal.",
      fix="Select HA Sync on one port of each member, with the same ID.")
def sync_port(facts: AuditFacts) -> Results:
    ours, theirs = (_sync_ids(member) for member in facts.members)
    if ours != theirs or not ours:
        yield between(facts, "ha_sync", "The members do not have HA Sync on the same port." if ours or theirs else
                      "Neither member has a port with HA Sync.", ", ".join(ours), ", ".join(theirs),
                      remedy=None if ours else "")


@rule("A51", Severity.ERROR, "Both hold their ports", singles=True, on_hosts=True, remedy="restart",
      why="A standby that does not hold its ports cannot open them when it takes over: another program may have them.",
      fix="End the other program or choose another number, then restart the server.")
def ports_held(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        live = member.live
        if live.runs and live.ports:
            for port in member.draft.ports or ():
                if live.ports.get(port.port_id) != port.port:
                    yield wanted(member, f"{member.name} runs without its port {port.port_id} {port.port}.", port.port,
                                 live.ports.get(port.port_id), subject=f"{member.name}: ports.{port.port_id}",
                                 want_label=f"{port.port_id}, configured", got_label=f"{port.port_id}, held")

    return of_each(facts, wrong)


@rule("A52", Severity.ERROR, "No other program has a port", singles=True, on_hosts=True,
      why="A server cannot start, or cannot take over, while another program listens on its port (event 00-04526).",
      fix="End the other program, or give the server another port number.")
def port_not_taken(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember, found: Found) -> Results:
        for port in member.draft.ports or ():
            if other := found.listeners.get(port.port):
                yield wanted(member, f"Port {port.port} of {member.name} is taken on host {member.host_name} by "
                             f"{other}.", member.name, other, subject=f"{member.name}: ports.{port.port_id}",
                             want_label=f"Port {port.port}, wanted by", got_label=f"Port {port.port}, taken by")

    return on_each_host(facts, wrong)


def _sync_ids(member: AuditedMember) -> list[str]:
    return sorted(port.port_id for port in member.draft.ports or () if port.ha_sync)
