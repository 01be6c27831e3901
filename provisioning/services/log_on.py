"""The account that a server runs as: what is proposed when it is installed, and the choice, for both of a pair."""

from provisioning import history, permissions
from provisioning.errors import Refused
from provisioning.models import Application
from provisioning.permissions import Actor
from provisioning.rules.accounts import Proposal, proposal
from provisioning.rules.text import text_refusals

from . import writing


def proposed(row: Application) -> Proposal | None:
    """For a server that would run as root without anybody having chosen that, by what its host last said of itself."""
    runtime = getattr(row.host, "runtime", None)
    facts = runtime.facts if runtime and isinstance(runtime.facts, dict) else {}
    return proposal(name=row.name, chosen=row.os_account, host=row.host.name if row.host else "",
                    agents=str(facts.get("account", "")), service=str(facts.get("service_account", "")))


@history.atomic()
def choose_account(*, actor: Actor, row: Application, log_on_as: str) -> None:
    """Have ``row`` and the other member of its pair run as this account from their next start on. Raises Refused."""
    actor.require(permissions.CONFIGURE)
    if refusals := text_refusals(log_on_as, field="log_on_as", label="Log On As Account", longest=64):
        raise Refused(*refusals)
    other = row.backup_server or getattr(row, "primary_server", None)
    for member in (row, *([other] if other else [])):
        if member.log_on_as == log_on_as:
            continue
        before, member.log_on_as = history.snapshot(member), log_on_as
        writing.save_revision(member, actor, fields=["log_on_as"])
        history.record(actor=actor, row=member, before=before, reason=f"Chosen when {row.name} was installed.",
                       after=before | {"log_on_as": log_on_as, "revision": member.revision})
        writing.after_change(member)
