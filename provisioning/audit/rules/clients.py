"""Who connects to the pair, and how, as Connections say it. No client is told: these are notes."""

from provisioning.audit.facts import AuditFacts, Client
from provisioning.audit.registry import Results, Trouble, Value, rule
from provisioning.drafts import NOT_PASSED_ON
from provisioning.states import Severity

SANE_S = (1, 120)


@rule("A42", Severity.NOTE, "No client names the backup",
      why="A client that is set up to connect to the backup by itself gets no messages from it, and clients of one "
          f"pair are split over two servers. {NOT_PASSED_ON}",
      fix="Remove that connection: the one to the primary leads to both.")
def no_client_of_backup(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    for client in facts.clients:
        if client.to == backup.name:
            yield _of(client, f"{client.name} has a connection to the backup {backup.name}.", primary.name, backup.name,
                      "Server, wanted", "Server, now")


@rule("A43", Severity.NOTE, "Clients log to the network", singles=True,
      why=f"A client that is to log over its Message Server has an output network in its options. {NOT_PASSED_ON} The "
          "Message Server keeps only what programs send it themselves.",
      fix="Set [log] standard (or all) of the client to network beside its other outputs.")
def network_output(facts: AuditFacts) -> Results:
    for client in facts.clients:
        if client.to == facts.primary.name and client.network is False:
            yield _of(client, f"{client.name} has a connection to {facts.primary.name} and no output network.",
                      "network", "no network output", "[log], wanted", "[log], now")


@rule("A44", Severity.NOTE, "ADDP on client connections", singles=True,
      why="Without ADDP, or heart-beats of STOMP, a link that is open at one end only is noticed by TCP alone, which "
          f"takes minutes. {NOT_PASSED_ON}",
      fix="Choose addp in the connection, with Local and Remote Timeout from 1 to 120 s.")
def addp(facts: AuditFacts) -> Results:
    least, most = SANE_S
    for client in facts.clients:
        if client.to != facts.primary.name:
            continue
        if client.protocol != "addp":
            yield _of(client, f"The connection of {client.name} to {client.to} has no ADDP.", "addp",
                      client.protocol or "none", "Connection Protocol, wanted", "Connection Protocol, now")
        elif not (least <= client.timeout_local <= most and least <= client.timeout_remote <= most):
            yield _of(client, f"The ADDP timeouts of {client.name} are not between {least} and {most} s.",
                      f"{least} to {most} s", f"{client.timeout_local} s local, {client.timeout_remote} s remote",
                      "Timeouts, wanted", "Timeouts, now")


@rule("A53", Severity.NOTE, "Clients use a port that is there", singles=True,
      why=f"A connection refers to a port by its ID: one that the server does not have leads nowhere. {NOT_PASSED_ON}",
      fix="Choose one of the server's port IDs in the connection.")
def known_port(facts: AuditFacts) -> Results:
    ids = {member.name: [port.port_id for port in member.draft.ports or ()] for member in facts.members}
    for client in facts.clients:
        if client.port_id.casefold() not in (each.casefold() for each in ids[client.to]):
            yield _of(client, f"{client.name} has a connection to port {client.port_id} of {client.to}, which has no "
                      "such port.", ", ".join(ids[client.to]), client.port_id, "Port IDs of the server",
                      "Port ID of the connection")


def _of(client: Client, sentence: str, want: str, got: str, want_label: str, got_label: str) -> Trouble:
    return Trouble(subject=f"{client.name} → {client.to} {client.port_id}", sentence=sentence, about=(client.id,),
                   values=(Value(want_label, want or "(none)"), Value(got_label, got or "(none)")))
