"""What is true now: roles, the sync link, whether failover would work."""

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import NotKnown, Results, rule
from provisioning.audit.sentences import between, of_each, silent, wanted
from provisioning.core.text import closed
from provisioning.pairs.rules.failover_facts import NO, UNKNOWN
from provisioning.states import ApplicationStatus, Mode, Severity, SyncLink

STARTING = "Starting the Backup Message Server"


@rule("A38", Severity.ERROR, "One Primary and one Backup, both Started", on_hosts=True, guide=STARTING, remedy="start",
      why="With one member down there is nobody that takes over; two of one role serve nobody or two worlds.",
      fix="Start the member that does not run; the timeline of the Pair page says why a role was not granted.")
def roles(facts: AuditFacts) -> Results:
    unknown = [each for member in facts.members if (each := silent(facts, member))]
    if unknown:
        yield from unknown
        return
    bad = False
    for member in facts.members:
        if member.live.status != ApplicationStatus.STARTED:
            bad = True
            yield wanted(member, f"{member.name} is {member.live.status}. {closed(member.live.reason)}".strip(),
                         ApplicationStatus.STARTED, member.live.status, want_label="Status, wanted",
                         got_label="Status, now",
                         remedy="" if member.live.runs else None)
    modes = [member.live.mode for member in facts.members]
    if not bad and sorted(modes) != sorted((Mode.PRIMARY, Mode.BACKUP)):
        yield between(facts, "roles", "The members do not run as one Primary and one Backup.", *modes, remedy="")


@rule("A39", Severity.WARNING, "Roles are stable", on_hosts=True,
      why="A pair whose roles change every few seconds loses its clients again and again (event 43-10327).",
      fix="Look at the timeline: the reasons of the changes name the network or the timeouts.")
def flapping(facts: AuditFacts) -> Results:
    primary, backup = facts.both
    if primary.flaps or backup.flaps:
        yield wanted(primary, f"The roles of {primary.name} and {backup.name} change too often.",
                     "no more than one change in 10 s", "more than one", subject="roles",
                     want_label="Role changes, wanted", got_label="Role changes, lately")


@rule("A46", Severity.NOTE, "Started from the console", singles=True, on_hosts=True, remedy="restart",
      why="A server that was started by hand is not restarted by the agent when it fails.",
      fix="Stop it and start it from the console.")
def by_hand(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if member.live.runs and member.live.by_hand:
            yield wanted(member, f"{member.name} was started by hand.", "by the agent", "by hand",
                         want_label="Started, wanted", got_label="Started, now")

    return of_each(facts, wrong)


@rule("A47", Severity.ERROR, "The standby has every message", on_hosts=True,
      why="Who takes over without the last messages would lose them: such a standby is never promoted.",
      fix="Wait until it has caught up; if it does not, look at its sync port, the network between the hosts and its "
          "disk.",
      guide="Redundancy: data is synchronized between the primary and backup servers")
def in_sync(facts: AuditFacts) -> Results:
    running = all(member.live.runs for member in facts.members)
    if not running or facts.disputed:
        # That a member does not run is A38's to say, that nothing counts is A65's.
        return
    if not facts.control_answers:
        yield NotKnown(sentence="Control does not run, so whether the standby has every message is not known. Start "
                                "control.", about=tuple(member.id for member in facts.members))
        return
    record, link, copies = (facts.condition(code) for code in ("in_sync", "link", "digests"))
    if record.state == NO:
        yield wanted(facts.primary, record.sentence, "in sync", "not in sync" if facts.active else "no record yet",
                     subject="in_sync", want_label="On record, wanted", got_label="On record, now")
    elif link.state == NO:
        yield between(facts, "link", link.sentence, *_links(facts))
    elif copies.state == NO:
        yield between(facts, "copies", copies.sentence,
                      *(f"records {member.live.first_seq} to {member.live.common_seq}, digest "
                        f"{member.live.common_digest[:12]}"
                        for member in facts.members))
    elif UNKNOWN in (record.state, link.state):
        yield NotKnown(sentence=record.sentence if record.state == UNKNOWN else link.sentence,
                       about=tuple(member.id for member in facts.members))


def _links(facts: AuditFacts) -> list[str]:
    return [f"{SyncLink(member.live.link).label if member.live.link in SyncLink.values else 'no link'}"
            for member in facts.members]


@rule("A48", Severity.NOTE, "The saved configuration is at work", singles=True, on_hosts=True, remedy="restart",
      why="What was changed and counts from the next start only is not what the server runs with now.",
      fix="Restart the backup, switch over, then restart the other one.")
def takes_effect(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        if member.waits and member.live.runs:
            what = ", ".join(member.waits)
            yield wanted(member, f"{what} of {member.name} {'were' if len(member.waits) > 1 else 'was'} changed after "
                         "its start and wait for the next one.", "as saved", "as at its last start", subject=(
                             f"{member.name}: {what}"), want_label=f"{what}, wanted", got_label=f"{what}, at work")

    return of_each(facts, wrong)


@rule("A57", Severity.ERROR, "Automatic failover is on", on_hosts=True, remedy="resume_failover",
      why="While it is paused nobody takes over when the active server fails.",
      fix="Resume it on the Pair page when the work is done.")
def automatic_failover(facts: AuditFacts) -> Results:
    if not facts.automatic_failover:
        yield wanted(facts.primary, facts.condition("automatic_failover").sentence, "On",
                     f"Paused by {facts.paused_by or 'an unknown user'}", subject="automatic_failover",
                     want_label="Automatic failover, wanted", got_label="Automatic failover, now")


@rule("A58", Severity.ERROR, "Control runs", singles=True, on_hosts=True,
      why="Control decides who is primary: without it nothing fails over.",
      fix="Start control; the dashboard says since when it is silent.")
def control(facts: AuditFacts) -> Results:
    if not facts.control_answers:
        yield wanted(facts.primary, "Control has not been heard of lately.", "Running", "Silent", subject="control",
                     want_label="Control, wanted", got_label="Control, now")


@rule("A59", Severity.WARNING, "The last failover drill passed", on_hosts=True,
      why="A drill that failed shows what would go wrong when it is no drill.",
      fix="Fix what its report says, then run the drill again.")
def drill(facts: AuditFacts) -> Results:
    if facts.drill:
        yield wanted(facts.primary, facts.drill, "Passed", "Failed", subject="drill", want_label="Last drill, wanted",
                     got_label="Last drill")


@rule("A65", Severity.ERROR, "No older control database is in the way", singles=True, on_hosts=True,
      why="After an older control database was put back, nothing is promoted on the word of a record that somebody "
          "contradicts, or might: nothing fails over, and a server that stops does not serve again.",
      fix="Put the newer database back, or open Restored Database (manage.py restored): it shows what each server has "
          "and lets one go on.")
def undisputed(facts: AuditFacts) -> Results:
    if facts.disputed:
        yield wanted(facts.primary, closed(facts.reason) or "An older control database was put back.",
                     "as its servers know it", "older, or not known to be the newest", subject="record",
                     want_label="Control's record, wanted", got_label="Control's record, now")


@rule("A66", Severity.WARNING, "No records were put aside", singles=True, on_hosts=True,
      why="Records that only one copy had when the copies parted were cut off from it. Some of them may have been "
          "acknowledged, and nobody receives them any more.",
      fix="Read the files data/discarded-….jsonl in the Working Directory of the server, send again what counts, then "
          "move the files away; a server looks for them when it starts.")
def put_aside(facts: AuditFacts) -> Results:
    def wrong(member: AuditedMember) -> Results:
        count = member.live.discarded
        if count:
            records = "record" if count == 1 else "records"
            place = f"{member.draft.working_directory}/data"
            yield wanted(member, f"{member.name} has put {count} {records} aside in {place}.", 0, count,
                         want_label="Records put aside, wanted", got_label="Records put aside, now")

    return of_each(facts, wrong)
