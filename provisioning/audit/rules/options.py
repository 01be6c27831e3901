"""Options, timeouts and what else both members are to have alike."""

import re
from collections.abc import Collection, Iterator

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import Results, rule
from provisioning.audit.rules.logins import OF_RIGHTS
from provisioning.audit.sentences import between, of_each, wanted
from provisioning.catalog.known_options import ANNEX
from provisioning.drafts import NOT_PASSED_ON, ONLY_LOG_PASSED_ON
from provisioning.pairs.rules.synchronization import LOG_OUTPUTS, SERVER_INFO
from provisioning.states import Severity

STEP_3, STEP_5 = "Installation and Configuration, step 3", "Installation and Configuration, step 5"
_OUTPUTS = frozenset({"stdout", "stderr", "network", "memory"})
_APART = {"auto_restart", "tenants", "reconnect_timeout", "reconnect_attempts"}
_PORT_ID = re.compile(r"ports\..+\.port_id$")
_KEPT = re.compile(r"tenants$|reconnect_(timeout|attempts)$|ports\..+\.(application_parameters|description)$")
"""What is only kept, for people."""


@rule("A20", Severity.WARNING, "Options equal", guide=STEP_5, remedy="synchronize",
      why="After a switchover the other member's options count: what differs changes how the service behaves.",
      fix="Synchronize the pair, or add an exception on the Pair page.")
def same_options(facts: AuditFacts) -> Results:
    for row in facts.differences:
        if (row.what.startswith(("options.", "annex.")) or _PORT_ID.match(row.what)) and not OF_RIGHTS.match(row.what):
            yield between(facts, row.what, f"{row.label} differs.", row.primary, row.backup)


@rule("A21", Severity.WARNING, "Log files of their own",
      why="Two servers that write one log file make it unreadable.",
      fix="Give each member a log file name of its own in [log].")
def own_log_files(facts: AuditFacts) -> Results:
    if not facts.on_one_host:
        return
    ours, theirs = (dict(_log_files(member)) for member in facts.members)
    for path in sorted(ours.keys() & theirs.keys()):
        yield between(facts, f"log {path}", f"Both members write the log file {path}.", f"{ours[path]} = {path}",
                      f"{theirs[path]} = {path}")


def _log_files(member: AuditedMember) -> Iterator[tuple[str, str]]:
    for key in sorted(LOG_OUTPUTS):
        for output in (member.option("log", key) or "").split(","):
            # A relative name lies in the member's own Working Directory.
            if output.strip().startswith("/") and output.strip() not in _OUTPUTS:
                yield output.strip(), key


@rule("A22", Severity.NOTE, "Connections equal", remedy="synchronize",
      why="A backup has the Connections of its primary: others show an object that was not saved since. "
          f"{ONLY_LOG_PASSED_ON}",
      fix="Save the primary again, or synchronize the pair.")
def same_connections(facts: AuditFacts) -> Results:
    for row in facts.differences:
        if row.what == "connections":
            yield between(facts, row.what, "The Connections of the members differ.", row.primary, row.backup)


@rule("A26", Severity.NOTE, "Tenants, reconnects and texts of ports equal", remedy="synchronize",
      why="A backup serves the Tenants of its primary, is tried as often by clients, and is described like it. "
          f"{NOT_PASSED_ON}",
      fix="Save the primary again, or synchronize the pair.")
def same_texts(facts: AuditFacts) -> Results:
    yield from _server_info(facts, {row.what for row in facts.differences if _KEPT.match(row.what)})


@rule("A27", Severity.WARNING, "Auto-Restart on the backup", guide="Installation and Configuration, step 1",
      remedy="set_auto_restart",
      why="Without it a member that failed stays down, and the pair runs without a standby until somebody notices.",
      fix="Select Auto-Restart in Server Info.")
def auto_restart(facts: AuditFacts) -> Results:
    _, backup = facts.both
    if not backup.draft.auto_restart:
        yield wanted(backup, f"Auto-Restart of {backup.name} is off.", "Selected", "Not selected",
                     want_label="Auto-Restart, wanted", got_label="Auto-Restart, now")


@rule("A35", Severity.NOTE, "One Application Template", guide="Installation and Configuration, step 1",
      why="From different templates the option sets of the members drift apart.",
      fix="Create the backup from the template of the primary.")
def same_template(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    if primary.template != backup.template:
        yield between(facts, "template", "The members come from different Application Templates.", primary.template,
                      backup.template)


@rule("A40", Severity.WARNING, "Timeouts fit", singles=True, remedy="synchronize",
      why="With a Startup Timeout below the time that a start takes, a start is reported as failed while the server "
          "comes up; different ones treat the members differently.",
      fix="Set Startup and Shutdown Timeout to 90 s, or to more than a start takes, on both.")
def timeouts(facts: AuditFacts) -> Results:
    if facts.backup is not None:
        yield from _server_info(facts, SERVER_INFO.keys() - _APART)
    for member in facts.members:
        took, limit = member.longest_start_s, member.draft.startup_timeout
        if took is not None and took > limit * 0.9:
            yield wanted(member, f"A start of {member.name} took {took:.0f} s, its Startup Timeout is {limit} s.",
                         f"more than {took:.0f} s", f"{limit} s", subject=f"{member.name}: startup_timeout",
                         want_label="Startup Timeout, wanted", got_label="Startup Timeout, now", remedy="")


def _server_info(facts: AuditFacts, names: Collection[str], *, remedy: str | None = None) -> Results:
    for row in facts.differences:
        if row.what in names:
            yield between(facts, row.what, f"{row.label} differs.", row.primary, row.backup, remedy=remedy)


@rule("A49", Severity.NOTE, "Names that can be told apart", singles=True,
      why="Names that look alike are confused in -app, in logs and at a switchover.",
      fix="Rename one of them while it is stopped, then install it again.")
def names(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if member.name != member.name.strip() or len(member.name) > 255:
            yield wanted(member, f'The name "{member.name[:60]}" begins or ends with a blank, or is too long.',
                         member.name.strip()[:255], f'"{member.name}"', want_label="Name, wanted",
                         got_label="Name, now")

    yield from of_each(facts, wrong)
    if facts.backup and _plain(facts.primary.name) == _plain(facts.backup.name):
        yield between(facts, "names", "The names of the members differ only in case, blanks or signs.",
                      facts.primary.name, facts.backup.name)


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


@rule("A63", Severity.NOTE, "Every option is one that the server reads", singles=True,
      why="An option that is spelt wrong is ignored without a word: the server works with the default.",
      fix="Correct its section or name, or remove it.")
def known_options(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        tables = [("options", member.draft.options, member.hints.of)] if member.hints else []
        for place, table, hint_of in (*tables, ("annex", member.draft.annex, ANNEX.hint)):
            for section, key in ((section, key) for section, keys in (table or {}).items() for key in keys):
                if hint := hint_of(section, key):
                    wants = "an option of the template" if place == "options" else "an option of the Management Layer"
                    yield wanted(member, hint, wants, f"[{section}] {key}", want_label="Option, wanted",
                                 subject=f"{member.name}: {place}.{section}.{key}", got_label="Option, now")

    return of_each(facts, wrong)
