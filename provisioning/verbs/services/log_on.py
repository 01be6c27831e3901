"""The account that a server runs as: what is proposed when it is installed, and the choice, for both of a pair."""

from protocol.names import SERVERS_ACCOUNTS
from provisioning.applications.services import storage
from provisioning.core import permissions
from provisioning.core.os_accounts import Proposal, proposal
from provisioning.core.permissions import Actor
from provisioning.core.text import text_refusals
from provisioning.errors import Refusal, Refused
from provisioning.history import history
from provisioning.models import Application
from provisioning.models.applications import SYSTEM_ACCOUNT, os_account


def proposed(row: Application, log_on_as: str = "") -> Proposal | None:
    """For a server that would run as root without anybody having chosen that, by what its host last said of itself;
    ``log_on_as`` is chosen just now, "" for what it has. SYSTEM is no choice: it is what every new object has."""
    facts = _said(row)
    return proposal(name=row.name, chosen=os_account(log_on_as or row.log_on_as),
                    host=row.host.name if row.host else "", agents=str(facts.get("account", "")),
                    service=str(facts.get("service_account", "")))


def _said(row: Application) -> dict:
    """What the host of ``row`` last said of itself."""
    runtime = getattr(row.host, "runtime", None)
    return runtime.facts if runtime and isinstance(runtime.facts, dict) else {}


def without_asking(row: Application) -> str:
    """The account for an install in which nobody is asked for one: where the server would run as root, what its host
    has for servers. "" where it would not, and where the host has none."""
    found = proposed(row)
    return found.account if found else ""


def account_refusals(row: Application, log_on_as: str) -> list[Refusal]:
    """What stands against an install that takes the choice ``log_on_as``, "" for none."""
    found = proposed(row, log_on_as)
    return [Refusal(found.refusal, "log_on_as")] if found else []


def settle_account(*, actor: Actor, row: Application, log_on_as: str, seen: str | None = None,
                   is_choice: bool = True) -> None:
    """Take the choice that comes with an install, "" for none. ``seen``: the account that was stored when this one was
    chosen, None where nobody looked; not ``is_choice``: it is that of ``without_asking``. Raises
    Refused where somebody else has chosen another one since, and where the server would run as root and nobody chose
    root."""
    if log_on_as and seen is not None and seen != row.log_on_as != log_on_as:
        stored = row.log_on_as or SYSTEM_ACCOUNT
        raise Refused(Refusal(
            f"Somebody saved {stored} as the Log On As Account of {row.name} while you were choosing one. Press "
            f"Install once more to have {log_on_as} all the same, or type {stored}.", "log_on_as"))
    if refusals := account_refusals(row, log_on_as):
        raise Refused(*refusals)
    if log_on_as and log_on_as != row.log_on_as:
        choose_account(actor=actor, row=row, log_on_as=log_on_as, is_choice=is_choice)


@history.atomic()
def choose_account(*, actor: Actor, row: Application, log_on_as: str, is_choice: bool = True) -> None:
    """Have ``row`` and the other member of its pair run as this account from their next start on; the other one, where
    this is no person's choice, only if its own host has the account and nobody chose one for it. Raises Refused."""
    actor.require(permissions.CONFIGURE)
    if refusals := text_refusals(log_on_as, field="log_on_as", label="Log On As Account", longest=64):
        raise Refused(*refusals)
    other = row.backup_server or getattr(row, "primary_server", None)
    if other and not is_choice and not _takes_unasked(other, log_on_as):
        other = None
    for member in (row, *([other] if other else [])):
        if member.log_on_as == log_on_as:
            continue
        before, member.log_on_as = history.snapshot(member), log_on_as
        storage.save_revision(member, actor, fields=["log_on_as"])
        history.record(actor=actor, row=member, before=before, reason=f"Chosen when {row.name} was installed.",
                       after=before | {"log_on_as": log_on_as, "revision": member.revision})
        storage.after_change(member)


def _takes_unasked(row: Application, log_on_as: str) -> bool:
    return (not os_account(row.log_on_as) and log_on_as in SERVERS_ACCOUNTS
            and _said(row).get("service_account") == log_on_as)
