"""How rules say what they found: both members side by side, what is wanted beside what is there, what is not known."""

from collections.abc import Callable

from provisioning.jobs.found import Found

from .facts import AuditedMember, AuditFacts
from .registry import NotKnown, Results, Trouble, Value

NOTHING = "(none)"


def between(facts: AuditFacts, subject: str, sentence: str, primary: object, backup: object, *,
            remedy: str | None = None) -> Trouble:
    """Both members' values side by side."""
    return Trouble(subject=subject, sentence=sentence, about=tuple(each.id for each in facts.members), values=(
        Value(facts.primary.name, shown(primary)), Value(facts.backup.name if facts.backup else "Backup Server",
                                                         shown(backup))), remedy=remedy)


def wanted(member: AuditedMember, sentence: str, want: object, got: object, *, subject: str = "",
           want_label: str = "Wanted", got_label: str = "Found", remedy: str | None = None) -> Trouble:
    """What should be beside what is, of one member."""
    return Trouble(subject=subject or member.name, sentence=sentence, about=(member.id,),
                   values=(Value(want_label, shown(want)), Value(got_label, shown(got))), remedy=remedy)


def shown(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return NOTHING if value is None or value == "" else str(value)


def of_each(facts: AuditFacts, wrong: Callable[[AuditedMember], Results]) -> Results:
    """What ``wrong`` yields about each member."""
    for member in facts.members:
        yield from wrong(member)


def on_each_host(facts: AuditFacts, wrong: Callable[[AuditedMember, Found], Results]) -> Results:
    """What ``wrong`` yields about each installed member as a job found it; not known where none did lately."""
    for member in facts.members:
        if not member.installed:
            continue
        found = facts.found_at(member)
        if found is None:
            yield unseen(facts, member)
        else:
            yield from wrong(member, found)


def unseen(facts: AuditFacts, member: AuditedMember) -> NotKnown:
    """Nobody has looked at the member's host lately."""
    host = member.host
    if host is None:
        why = f"{member.name} has no Host."
    elif not host.answers(facts.now):
        why = f"Host {host.name} does not answer, so what is true there for {member.name} is not known."
    elif not host.looks:
        why = (f"The agent of host {host.name} is older than this console and cannot look at what is true there for "
               f"{member.name}. Upgrade it on the host's page.")
    elif member.found is None:
        why = f"Host {host.name} was not checked yet for what is true there for {member.name}. Audit again."
    else:
        why = f"What was found on host {host.name} for {member.name} is too old. Audit again."
    return NotKnown(sentence=why, about=(member.id,))


def unsaid(member: AuditedMember, what: str) -> NotKnown:
    """The host's report leaves it out."""
    host = member.host.name if member.host else "its host"
    return NotKnown(sentence=f"{host} did not say {what} of {member.name}. Upgrade its agent, then audit again.",
                    about=(member.id,))


def silent(facts: AuditFacts, member: AuditedMember) -> NotKnown | None:
    """Why the member's last word says nothing about now, None when it does."""
    if member.live.heard_at is None:
        return NotKnown(sentence=f"Nothing was ever heard of {member.name}. Start it.", about=(member.id,))
    if not facts.control_answers:
        return NotKnown(sentence=f"Control does not run, so what {member.name} does now is not known. Start control.",
                        about=(member.id,))
    return None
