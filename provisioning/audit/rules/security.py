"""Rules on secured ports, certificates and passcodes."""

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import Results, rule
from provisioning.audit.rules.ports import _SECURITY, STEP_5
from provisioning.audit.sentences import between, of_each, wanted
from provisioning.core.text import parse_parameters
from provisioning.drafts import PortDraft
from provisioning.states import ListeningMode, Severity


@rule("A15", Severity.ERROR, "Protocol and Listening Mode equal", guide=STEP_5, remedy="synchronize",
      why="A client that speaks TLS cannot use a plain port and the other way round: after a switchover it finds no "
          "service.",
      fix="Synchronize the pair.")
def same_security(facts: AuditFacts) -> Results:
    for row in facts.differences:
        if _SECURITY.match(row.what):
            yield between(facts, row.what, f"{row.label} differs.", row.primary, row.backup,
                          remedy=None if row.copied else "")


@rule("A16", Severity.ERROR, "Secured ports have a certificate", singles=True, remedy="make_certificates",
      why="A secured port without certificate and key cannot be opened.",
      fix="Press Make Certificates, or name the files with certificate and certificate-key in Transport Parameters.")
def certificate(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        for port in member.draft.ports or ():
            if is_secured(port):
                given = parameters(port)
                missing = [key for key in ("certificate", "certificate-key") if not given.get(key)]
                if missing:
                    yield wanted(member, f"Port {port.port_id} of {member.name} is secured and has no "
                                 f"{' and no '.join(missing)}.", "certificate and certificate-key",
                                 port.transport_parameters, subject=f"{member.name}: ports.{port.port_id}",
                                 want_label="Transport Parameters, wanted", got_label="Transport Parameters, now")

    return of_each(facts, wrong)


@rule("A17", Severity.WARNING, "Certificates last", singles=True, on_hosts=True, remedy="make_certificates",
      why="Clients refuse an expired certificate: with it on the standby, nobody can connect after a switchover.",
      fix="Renew the files in place, or press Make Certificates; the server takes them over by itself.")
def certificates_last(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        for each in member.live.certificates:
            if each.urgency:
                yield wanted(member, f"{member.name}, {each.sentence}", "more than 30 days",
                             each.at.strftime("%Y-%m-%d %H:%M UTC") if each.at else "not readable",
                             subject=f"{member.name}: {each.label}", want_label="Lasts, wanted", got_label="Expires")

    return of_each(facts, wrong)


def is_secured(port: PortDraft) -> bool:
    return port.listening_mode == ListeningMode.SECURED or parameters(port).get("tls") == "1"


def parameters(port: PortDraft) -> dict[str, str]:
    try:
        return parse_parameters(port.transport_parameters)
    except ValueError:
        return {}


@rule("A64", Severity.NOTE, "Passcodes of clients travel over TLS", singles=True,
      why="On a port that is not secured, everybody on the network can read the passcodes of clients.",
      fix="Choose Listening Mode Secured for the port that clients use, on both members.")
def passcodes_secured(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if any(section.casefold() == "clients" and keys for section, keys in (member.draft.options or {}).items()):
            for port in member.draft.ports or ():
                if not port.ha_sync and not is_secured(port):
                    yield wanted(member, f"Clients of {member.name} log in over its port {port.port_id}, which is not "
                                 "secured.", ListeningMode.SECURED.label, ListeningMode(port.listening_mode).label,
                                 subject=f"{member.name}: ports.{port.port_id}", want_label="Listening Mode, wanted",
                                 got_label="Listening Mode, now")

    return of_each(facts, wrong)
