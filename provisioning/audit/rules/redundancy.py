"""How the two servers are linked: Backup Server, Redundancy Type, who may be whose backup."""

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import Results, Trouble, Value, rule
from provisioning.audit.sentences import between, of_each, wanted
from provisioning.states import RedundancyType, Severity

STEP_3 = "Installation and Configuration, step 3"
RECOMMENDED = "Installation Recommendations"


@rule("A01", Severity.ERROR, "Backup Server is set", singles=True, guide=STEP_3, remedy="",
      why="A single server has nobody that takes over: when it fails, its clients lose the service.",
      fix="Choose a Backup Server in the Server Info of the primary, with Redundancy Type Warm Standby.")
def backup_is_set(facts: AuditFacts) -> Results:
    if facts.backup is None:
        yield wanted(facts.primary, f"{facts.primary.name} has no Backup Server.", "a Backup Server", None,
                     want_label="Backup Server, wanted", got_label="Backup Server, now")


@rule("A02", Severity.ERROR, "Redundancy Type is Warm Standby", guide=STEP_3, remedy="set_warm_standby",
      why="Warm Standby is the only redundancy type that Message Servers support; with another one nothing fails over.",
      fix="Stop both servers, choose Redundancy Type Warm Standby on the primary and save.")
def warm_standby(facts: AuditFacts) -> Results:
    kind = facts.primary.draft.redundancy_type
    if kind != RedundancyType.WARM_STANDBY:
        label = RedundancyType(kind).label if kind in RedundancyType.values else kind
        yield wanted(facts.primary, f"Redundancy Type of {facts.primary.name} is {label}.",
                     RedundancyType.WARM_STANDBY.label, label, want_label="Redundancy Type, wanted",
                     got_label="Redundancy Type, now")


@rule("A03", Severity.ERROR, "Both are Message Servers",
      why="Only a server of the same type can take over the clients and the messages of another.",
      fix="Choose a Message Server as Backup Server of the primary.")
def same_type(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    if backup.type != primary.type:
        yield between(facts, "type", f"{primary.name} and {backup.name} are of different types.", primary.type_label,
                      backup.type_label)


@rule("A04", Severity.ERROR, "The backup has one primary",
      why="A backup of two primaries cannot take over from both: at a switchover its role is ambiguous.",
      fix="Give the other primary a Backup Server of its own.")
def one_primary(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    others = [link.name for link in backup.primaries if link.key != str(primary.id)]
    if others:
        yield wanted(backup, f"{backup.name} is the Backup Server of {', '.join(others)} too.", primary.name,
                     ", ".join([primary.name, *others]), want_label="Primary, wanted", got_label="Primaries, now")


@rule("A05", Severity.ERROR, "The backup has no backup of its own", guide=STEP_3, remedy="clear_own_backup",
      why="In a chain or a circle of backups the roles would be handed on without an end.",
      fix="Clear Backup Server of the backup.")
def no_chain(facts: AuditFacts) -> Results:
    _, backup = facts.both
    own = backup.own_backup
    if own is not None:
        yield wanted(backup, f"{backup.name} is a backup and names {own.name} as its own Backup Server.", None,
                     own.name, want_label="Its Backup Server, wanted", got_label="Its Backup Server, now")


@rule("A06", Severity.ERROR, "No other Redundancy Type on the backup", remedy="",
      why="The pair's Redundancy Type is the primary's. Another one on the backup shows an incomplete import: after it "
          "a member may be started with rules that the other does not follow.",
      fix="Open the backup, choose the Redundancy Type of the primary or Not Specified, and save.")
def same_redundancy(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    ours, theirs = primary.draft.redundancy_type, backup.draft.redundancy_type
    if theirs not in (ours, RedundancyType.NOT_SPECIFIED):
        yield between(facts, "redundancy_type", f"{backup.name} has another Redundancy Type than its primary.", ours,
                      theirs)


@rule("A07", Severity.ERROR, "Both are enabled", singles=True, remedy="enable",
      why="A disabled server cannot start, and one that runs cannot connect again.",
      fix="Select Enabled on the server.")
def enabled(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if not member.draft.enabled:
            yield wanted(member, f"{member.name} is disabled.", "Enabled", "Disabled", want_label="State, wanted",
                         got_label="State, now")

    return of_each(facts, wrong)


@rule("A08", Severity.ERROR, "Both have an enabled Host", singles=True, guide="Installation and Configuration, step 1",
      why="Without a Host, or on a disabled one, a server can neither be started nor watched.",
      fix="Choose the Host in Server Info, or enable it.")
def host(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if member.host is None:
            yield wanted(member, f"{member.name} has no Host.", "a Host", None, want_label="Host, wanted",
                         got_label="Host, now")
        elif not member.host.enabled:
            yield wanted(member, f"Host {member.host.name} of {member.name} is disabled.", "Enabled", "Disabled",
                         want_label=f"{member.host.name}, wanted", got_label=f"{member.host.name}, now")

    return of_each(facts, wrong)


@rule("A09", Severity.WARNING, "The members are on different hosts", guide=RECOMMENDED,
      why="When the one host fails, both members do.", fix="Install one of them on another host.")
def different_hosts(facts: AuditFacts) -> Results:
    if facts.on_one_host:
        name = facts.primary.host_name
        yield between(facts, "host", f"Both members are on host {name}.", name, name)


@rule("A10", Severity.ERROR, "Working Directories of their own", guide=RECOMMENDED,
      why="In one directory the two servers overwrite each other's start files, logs and messages.",
      fix="Install one of them again, in a directory of its own.")
def own_directories(facts: AuditFacts) -> Results:
    for member in facts.members:
        uses = member.host.directories.get(member.directory, ()) if member.host and member.directory else ()
        others = [use for use in uses if use.application_id != member.id]
        # The pair's own clash is told once, of the primary.
        if member is facts.backup:
            others = [use for use in others if use.application_id != facts.primary.id]
        for use in others:
            yield Trouble(
                subject=f"{member.name}: {use.name}", about=(member.id, *filter(None, [use.application_id])),
                sentence=f"{member.name} and {use.name} have the same Working Directory on host {member.host_name}.",
                values=(Value(member.name, member.draft.working_directory), Value(use.name, member.directory)))
