"""Rules on the logins of clients: their passcodes, and what each may."""

import re

from protocol.client_logins import CLIENTS, RIGHTS
from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import Results, Trouble, rule
from provisioning.audit.rules.ports import STEP_5
from provisioning.audit.sentences import between, of_each, wanted
from provisioning.states import Severity

NAMED = 5
OF_RIGHTS = re.compile(r"options\.client[-_]rights\.", re.IGNORECASE)


def _names(logins: tuple[str, ...]) -> str:
    more = f" and {len(logins) - NAMED} more" if len(logins) > NAMED else ""
    return f"{', '.join(logins[:NAMED])}{more}"


def _of(member: AuditedMember, sentence: str, want: str, logins: tuple[str, ...], section: str) -> Trouble:
    return wanted(member, sentence, want, _names(logins), subject=f"{member.name}: options.{section}",
                  got_label="Logins")


@rule("A68", Severity.NOTE, "Passcodes are kept as hashes", singles=True,
      why="Whoever can read the Configuration, a copy of it or what the server holds can log in with a passcode "
          "that is kept as it is.",
      fix="Give each client a random passcode, and the option the line of ./run manage passcode.")
def hashed(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if plain := member.logins.plain:
            yield _of(member, f"{member.name} keeps passcodes as they are.", "{sha256}SALT$HEX", plain, CLIENTS)

    return of_each(facts, wrong)


@rule("A69", Severity.WARNING, "Passcodes cannot be guessed", singles=True,
      why="Who reaches the port for clients and guesses a passcode reads and writes what that login may.",
      fix="Give each client a random passcode, as ./run manage passcode makes it.")
def not_weak(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if weak := member.logins.weak:
            yield _of(member, f"Passcodes of {member.name} are short, have few different characters, or are the login.",
                      "a random passcode", weak, CLIENTS)

    return of_each(facts, wrong)


@rule("A70", Severity.ERROR, "Logins and their rights can be read", singles=True,
      why="A server lets nobody in by a login that it cannot read, and a login whose rights it cannot read may do "
          "nothing.",
      fix="Correct the entry, or remove it.")
def readable(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        for section, login, why in member.logins.unread:
            yield wanted(member, f"{member.name} cannot use the entry of {login} in section {section}.",
                         "an entry that can be used", why, subject=f"{member.name}: options.{section}.{login}")

    return of_each(facts, wrong)


@rule("A71", Severity.WARNING, "Rights are those of a login", singles=True,
      why="Where the name of a login is spelt wrong in section client-rights, the login that was meant may everything.",
      fix="Correct the name there, upper and lower case too, or remove the entry.")
def of_a_login(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if nobodys := member.logins.of_nobody:
            yield _of(member, f"{member.name} has rights for logins that are not in section {CLIENTS}.",
                      "a login of section clients", nobodys, RIGHTS)

    return of_each(facts, wrong)


@rule("A72", Severity.NOTE, "Where rights are given, every login has some", singles=True,
      why="A login without an entry in section client-rights reads and writes everything, which is easily forgotten "
          "where others are limited.",
      fix="Give it an entry; read=/*; write=/* says that it is meant.")
def all_limited(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if unlimited := member.logins.unlimited:
            yield _of(member, f"Some logins of {member.name} have rights, and others may everything.",
                      "an entry in client-rights", unlimited, RIGHTS)

    return of_each(facts, wrong)


@rule("A73", Severity.ERROR, "Rights of logins equal", guide=STEP_5, remedy="synchronize",
      why="After a switchover the other member's rights count: a client may do more than was meant, or less than "
          "it needs.",
      fix="Synchronize the pair, or add an exception on the Pair page.")
def same_rights(facts: AuditFacts) -> Results:
    for row in facts.differences:
        if OF_RIGHTS.match(row.what):
            yield between(facts, row.what, f"{row.label} differs.", row.primary, row.backup)
