"""What is installed on the hosts: directory, program, arguments, start files, versions."""

from provisioning.applications.rules.fields import NOT_YET_INSTALLED, is_absolute
from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import NotKnown, Results, Trouble, Value, rule
from provisioning.audit.sentences import between, on_each_host, unsaid, wanted
from provisioning.core.text import closed
from provisioning.jobs.facts import StartFile
from provisioning.jobs.found import Found
from provisioning.states import Severity

STEP_2, STEP_4 = "Installation and Configuration, step 2", "Installation and Configuration, step 4"
OPTIONS = "Starting the Backup Message Server"


@rule("A28", Severity.ERROR, "Working Directory is there", singles=True, on_hosts=True, guide=STEP_2, remedy="install",
      why="Without its directory a server cannot start, and what it stored is gone.",
      fix="Install the server, or correct Working Directory.")
def directory(facts: AuditFacts) -> Results:
    for member in facts.members:
        path, os_type = member.draft.working_directory, member.host.os_type if member.host else "Linux"
        if path in ("", NOT_YET_INSTALLED) or not is_absolute(path, os_type):
            yield wanted(member, f"Working Directory of {member.name} is {path or 'empty'}: it is not installed.",
                         "an absolute path", path, want_label="Working Directory, wanted",
                         got_label="Working Directory, now")

    def wrong(member: AuditedMember, found: Found) -> Results:
        if found.directory is None:
            yield unsaid(member, "whether the Working Directory is there")
        elif not found.directory.present or not found.directory.usable:
            yield wanted(member, found.directory.problem or f"The Working Directory of {member.name} is not on host "
                         f"{member.host_name}.", member.draft.working_directory, found.directory.problem or "not there",
                         want_label="Working Directory", got_label=f"On {member.host_name}")

    yield from on_each_host(facts, wrong)


@rule("A29", Severity.ERROR, "The program is there", singles=True, on_hosts=True, guide=STEP_2, remedy="install",
      why="Without an executable program there is nothing to start (event 00-05020).",
      fix="Install the server again, or correct Command Line.")
def program(facts: AuditFacts) -> Results:
    for member in facts.members:
        if member.draft.command_line in ("", NOT_YET_INSTALLED):
            yield wanted(member, f"Command Line of {member.name} is {member.draft.command_line or 'empty'}: it is not "
                         "installed.", "the program", member.draft.command_line, want_label="Command Line, wanted",
                         got_label="Command Line, now")

    def wrong(member: AuditedMember, found: Found) -> Results:
        if found.directory is not None and not found.directory.present:
            return
        if found.program is None:
            yield unsaid(member, "whether the program is there")
        elif not found.program.present or not found.program.usable:
            yield wanted(member, found.program.problem or f"The program of {member.name} is not there.",
                         member.draft.command_line, found.program.problem or "not there", want_label="Command Line",
                         got_label=f"On {member.host_name}")

    yield from on_each_host(facts, wrong)


@rule("A33", Severity.WARNING, "Start files start it rightly", singles=True, on_hosts=True, guide=STEP_4,
      remedy="repair_start_files",
      why="Started by hand with other arguments, the server is not the one that the console starts.",
      fix="Repair the start files from the Pair page, or correct them by hand.")
def start_files(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember, found: Found) -> Results:
        if found.directory is not None and not found.directory.present:
            return
        if found.start_files is None:
            yield unsaid(member, "what is in its start files")
        elif found.start_files.outdated:
            yield NotKnown(sentence=found.start_files.outdated, about=(member.id,))
        else:
            for file in found.start_files.files:
                if not file.starts:
                    yield _start_file(member, file)

    return on_each_host(facts, wrong)


def _start_file(member: AuditedMember, file: StartFile) -> Trouble:
    bad = [each for each in file.parameters if each.state != "right"]
    want = " ".join(f"{each.name} {each.expected}" for each in bad) or file.expected.strip()
    got = " ".join(f"{each.name} {each.found or '(none)'}" for each in bad) or file.problem
    return Trouble(subject=f"{member.name}: {file.name}", sentence=file.sentence, about=(member.id,),
                   values=(Value(f"{file.name}, wanted", want or "(none)"), Value(f"{file.name}, now",
                                                                                  got or "(none)")))


@rule("A34", Severity.WARNING, "Both have the same version", on_hosts=True, guide=STEP_2, remedy="",
      why="Mixed releases may not keep their copies equal.", fix="Install the same version on both.")
def same_version(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    if primary.version != backup.version:
        yield between(facts, "version", "The members have different versions.", primary.version, backup.version)
    for member in facts.members:
        live = member.live
        if live.runs and live.version and live.version != member.version:
            yield wanted(member, f"{member.name} runs version {live.version}, its object has {member.version}.",
                         member.version, live.version, want_label="Version of the object", got_label="Version running")

    def wrong(member: AuditedMember, found: Found) -> Results:
        if found.version and found.version != member.version:
            yield wanted(member, f"On host {member.host_name}, {found.version} is installed for {member.name}.",
                         member.version, found.version, want_label="Version of the object",
                         got_label="Version installed", subject=f"{member.name}: installed")

    yield from on_each_host(facts, wrong)


@rule("A45", Severity.WARNING, "The program runs as its account", singles=True, on_hosts=True,
      why="A program that does not run in the agent's surroundings starts by hand and fails from the console.",
      fix="Log on as that account, run the program with -V, and fix what it says.")
def program_runs(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember, found: Found) -> Results:
        there = [each for each in (found.directory, found.program) if each is not None]
        # What is not there, or closed to the account, is told by A28 and A29.
        if found.runs is False and all(each.present and each.usable for each in there):
            why = closed(found.runs_problem)
            yield wanted(member, f"The program of {member.name} did not say its version. {why}".strip(),
                         "its version", found.runs_problem or "nothing", want_label="-V, wanted", got_label="-V, said")

    return on_each_host(facts, wrong)


@rule("A55", Severity.WARNING, "Installed files are the package's", singles=True, on_hosts=True, remedy="install",
      why="Files that were changed after the installation make this server another program than its partner.",
      fix="Install the server again; its messages stay.")
def files_unchanged(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember, found: Found) -> Results:
        if found.changed:
            names = ", ".join(found.changed[:5]) + (" and others" if len(found.changed) > 5 else "")
            yield wanted(member, f"Installed files of {member.name} were changed: {names}.", "as in the package", names,
                         want_label="Files, wanted", got_label="Files, changed")

    return on_each_host(facts, wrong)
