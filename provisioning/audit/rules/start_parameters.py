"""Rules on -host, -port and -app, as they are configured and as the process has them."""

from provisioning.audit.arguments import NAMES, parsed, values
from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import Results, rule
from provisioning.audit.rules.installed import OPTIONS
from provisioning.audit.sentences import of_each, on_each_host, wanted
from provisioning.jobs.found import Found
from provisioning.states import Severity


@rule("A30", Severity.ERROR, "Arguments hold -host, -port and -app", singles=True, guide=OPTIONS,
      remedy="set_arguments",
      why="Without them the server does not find its configuration.",
      fix="Write -host, -port and -app into Command Line Arguments, or install the server again.")
def arguments(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if member.installed:
            given = parsed(member.draft.command_line_arguments)
            missing = [name for name in NAMES if name not in given]
            if missing:
                yield wanted(member, f"The Command Line Arguments of {member.name} lack {', '.join(missing)}.",
                             " ".join(NAMES), member.draft.command_line_arguments, want_label="Arguments, wanted",
                             got_label="Arguments, now")

    return of_each(facts, wrong)


@rule("A31", Severity.ERROR, "-app is the exact name", singles=True, guide=OPTIONS, remedy="set_arguments",
      why="With another name the server is not found (event 00-03007), or starts as the other member (event 00-03008).",
      fix="Write the exact name of the object after -app, or install the server again: a rename after the installation "
          "is the usual cause.")
def app(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        given = parsed(member.draft.command_line_arguments).get("-app")
        if given is not None and given != member.name:
            yield wanted(member, f"-app of {member.name} is {given}.", member.name, given, want_label="Name",
                         got_label="-app")

    return of_each(facts, wrong)


@rule("A32", Severity.ERROR, "-host and -port lead to this Configuration Server", singles=True, guide=OPTIONS,
      remedy="set_arguments",
      why="A member that reads another Configuration Server lives in another world: nobody here decides its role "
          "(event 00-03000 when nobody answers there).",
      fix="Write the address of this Configuration Server, the same on both.")
def configuration_server(facts: AuditFacts) -> Results:
    known = " or ".join(f"{host}:{port}" for host, port in facts.servers)

    def wrong(member: AuditedMember) -> Results:
        given = parsed(member.draft.command_line_arguments)
        if {"-host", "-port"} <= given.keys():
            address = (given["-host"], given["-port"])
            if facts.servers and address not in {(host, str(port)) for host, port in facts.servers}:
                yield wanted(member, f"{member.name} is started with another Configuration Server.", known,
                             ":".join(address), want_label="Configuration Server", got_label="-host and -port")

    return of_each(facts, wrong)


@rule("A54", Severity.WARNING, "The process has the arguments of the object", singles=True, on_hosts=True,
      remedy="restart",
      why="A server that was started with other arguments may be another member, or read another configuration.",
      fix="Stop it and start it from the console.")
def process_arguments(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember, found: Found) -> Results:
        if found.process is not None:
            want, got = _right_arguments(facts, member), values(found.process.arguments)
            bad = [name for name in NAMES if name in want and want[name] != got.get(name)]
            if bad:
                yield wanted(member, f"The process of {member.name} runs with another {' and '.join(bad)}.",
                             " ".join(f"{name} {want[name]}" for name in bad),
                             " ".join(f"{name} {got.get(name, '(none)')}" for name in bad),
                             want_label="Arguments of the object", got_label="Arguments of the process")

    return on_each_host(facts, wrong)


def _right_arguments(facts: AuditFacts, member: AuditedMember) -> dict[str, str]:
    """What the object says, without what is wrong there already (A31, A32)."""
    want = parsed(member.draft.command_line_arguments)
    if want.get("-app") != member.name:
        want.pop("-app", None)
    if facts.servers and (want.get("-host"), want.get("-port")) not in {(host, str(port)) for host, port
                                                                       in facts.servers}:
        want.pop("-host", None)
        want.pop("-port", None)
    return want
