"""Under which account the members run: the guide wants one for both."""

from provisioning.audit.facts import AuditedMember, AuditFacts
from provisioning.audit.registry import Results, rule
from provisioning.audit.sentences import between, silent, wanted
from provisioning.models.applications import SYSTEM_ACCOUNT, os_account
from provisioning.states import Severity

ROOT = "root"
SAME_ACCOUNT = "Prerequisites: both must be started from the same account"


@rule("A24", Severity.ERROR, "The same Log On As account", guide=SAME_ACCOUNT,
      why="Under different accounts one member may lack rights that the other has, and files of one may be closed to "
          "the other.",
      fix="Choose the same Log On As Account in the Server Info of both, then restart the one that was changed.")
def same_account(facts: AuditFacts) -> Results:
    ours, theirs = (_log_on_as(member) for member in facts.members)
    if ours != theirs:
        yield between(facts, "log_on_as", "The members log on as different accounts.", ours, theirs)


@rule("A25", Severity.WARNING, "Both run as the same account", on_hosts=True, guide=SAME_ACCOUNT, remedy="restart",
      why="A process that runs as another account writes files that the right one may not open at its next start.",
      fix="Stop the server and start it from the console.")
def running_account(facts: AuditFacts) -> Results:
    accounts = {}
    for member in facts.members:
        if not member.live.runs:
            continue
        if unknown := silent(facts, member):
            yield unknown
            continue
        if not member.live.account:
            continue
        accounts[member.name] = member.live.account
        agents = member.host.account if member.host else ""
        want = os_account(member.draft.log_on_as)
        if sentence := member.wrong_account:
            yield wanted(member, sentence, want or agents, member.live.account,
                         want_label="Account, wanted", got_label="Account, now")
            accounts.pop(member.name)
    if len(set(accounts.values())) > 1 and len({_log_on_as(member) for member in facts.members}) == 1:
        yield between(facts, "account", "The members run as different accounts.", *accounts.values(), remedy="")


@rule("A67", Severity.NOTE, "No server runs as root", singles=True, on_hosts=True,
      why="Who takes over a server that runs as root has its whole machine.",
      fix="Create an account for it on the host (useradd --system pairwise-servers), name it when you install the "
          "server, and start it again. Waive this where root was chosen.")
def not_root(facts: AuditFacts) -> Results:
    for member in facts.members:
        running = member.live.account if member.live.runs else ""
        if running == ROOT or (not running and runs_as_root(member)):
            how = "is" if _log_on_as(member) == ROOT else "stands for the agent's account where it is"
            yield wanted(member, f"{member.name} {'runs' if running else 'is to run'} as root: its Log On As {how} "
                         f"{_log_on_as(member)}.", "an account of its own", ROOT, want_label="Account, wanted",
                         got_label="Account, now")


def runs_as_root(member: AuditedMember) -> bool:
    """By what is configured, where it is known as whom the agent runs."""
    account = _log_on_as(member)
    return ROOT in (account, member.host.account if member.host and account == SYSTEM_ACCOUNT else "")


def _log_on_as(member: AuditedMember) -> str:
    return member.draft.log_on_as or SYSTEM_ACCOUNT
