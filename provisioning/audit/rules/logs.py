"""The centralized log: whether events of the servers get there, and whether its own pair can be read."""

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import Results, rule
from provisioning.audit.sentences import of_each, wanted
from provisioning.core.clients import client_port
from provisioning.states import Severity

NETWORK = "network"
SENDING = ("all", "standard", "interaction", "trace", "debug")
"""Options of [log] that name outputs of what the network takes, level Trace and above."""
SETTINGS = "Monitoring > Centralized Log > Settings"


@rule("A42", Severity.WARNING, "The log is not collected from the backup alone", remedy="log_to_primary",
      why="Whoever serves of a primary and its Backup Server takes log records and is read. Of a backup nobody knows a "
          "partner: while the other member serves, records are neither published nor read.",
      fix=f"Choose the primary at {SETTINGS}.")
def log_to_primary(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    if facts.log_to and facts.log_to.key == str(backup.id):
        yield wanted(backup, f"Log records are collected from {backup.name} alone, the Backup Server of "
                     f"{primary.name}.", primary.name, backup.name, subject="log_to", want_label="Log to, wanted",
                     got_label="Log to, now")


@rule("A43", Severity.NOTE, "Events of the servers reach the log", singles=True,
      why="What a server tells by itself comes to the timeline, where it raises alarms, and to the log only if an "
          "output of its [log] is network. It publishes to the first Message Server in its Connections, else to the "
          "pair that is chosen as Log to. What control and agents tell of a server comes without it.",
      fix=f"Add network to an output of [log], for example all, and choose a pair at {SETTINGS}.")
def events_reach_the_log(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        is_sent, has_pair = _is_sent(member), facts.log_to is not None or member.id in facts.own_log_pairs
        if is_sent and not has_pair:
            yield wanted(member, f"Events of {member.name} come to the timeline only: no pair is chosen to collect "
                         "logs.", "a pair", None, subject=f"{member.name}: log_to", want_label="Log to, wanted",
                         got_label="Log to, now")
        elif has_pair and not is_sent:
            yield wanted(member, f"What {member.name} tells by itself stays in its own log files: nothing of it comes "
                         "to the timeline or the log.", "network as an output", _outputs(member),
                         subject=f"{member.name}: network", want_label="[log], wanted", got_label="[log], now")

    return of_each(facts, wrong)


def _is_sent(member: AuditedMember) -> bool:
    named = (part.strip() for key in SENDING for part in (member.option("log", key) or "").split(","))
    return (member.option("log", "verbose") or "").lower() != "none" and NETWORK in named


def _outputs(member: AuditedMember) -> str:
    found = ((key, member.option("log", key)) for key in ("verbose", *SENDING))
    return ", ".join(f"{key} = {value}" for key, value in found if value)


@rule("A53", Severity.WARNING, "The log's pair has a port for clients", singles=True,
      why="Servers and the console are clients of the pair that collects their logs: while a member has no port for "
          "clients, nothing is published to it and nothing is read.",
      fix="Give it a listening port with Connection Protocol stomp, or none, and without HA Sync.")
def port_of_the_log(facts: AuditFacts) -> Results:
    # Chosen itself, a backup is used by itself.
    used = next((facts.members[place:] for place, member in enumerate(facts.members)
                 if (facts.log_to and facts.log_to.key == str(member.id))
                 or member.id in facts.own_log_pairs.values()), ())
    for member in used:
        ports = member.draft.ports or ()
        if client_port(ports) is None:
            yield wanted(member, f"{used[0].name} collects logs, and {member.name} has no port for clients.",
                         "stomp, without HA Sync",
                         ", ".join(f"{port.port_id} {port.protocol}".strip() for port in ports),
                         want_label="Port, wanted", got_label="Ports, now")
