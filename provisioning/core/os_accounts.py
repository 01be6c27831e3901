"""Does a server run as the account that its object names, and as which one should it? Pure."""

from dataclasses import dataclass

from protocol.names import SERVERS_ACCOUNT, SERVERS_ACCOUNTS
from provisioning.models import Application

ROOT = "root"


@dataclass(frozen=True)
class Proposal:
    """An account for a server that would run as root without anybody having chosen that: the one that its host has for
    it ("" for none), and a sentence."""

    account: str
    sentence: str

    @property
    def refusal(self) -> str:
        """Why it is not installed while nobody chooses."""
        return (f"{self.sentence} Choose {self.account or 'that account'} as Log On As Account, or root to have it run "
                "as root all the same; the choice is recorded in History.")


def proposal(*, name: str, chosen: str, host: str, agents: str, service: str) -> Proposal | None:
    """None when somebody chose an account, or the agent's is not root. ``chosen`` is Log On As, "" for the account of
    the agent; ``service`` what the host says that it has for servers. A host may say of itself whatever it likes, so no
    other name than ours is taken from it."""
    if chosen or agents != ROOT:
        return None
    account = service if service in SERVERS_ACCOUNTS else ""
    return Proposal(account, f"{name} would run as root, as the agent of host {host} does. " + (
        f"{account} is there for servers." if account else
        f"Create an account for servers there (useradd --system {SERVERS_ACCOUNT})."))


def wrong_account(*, name: str, wanted: str, agents: str, running: str) -> str:
    """A sentence when the server ``name`` runs as another account than it should, "" when not or while it is not known.

    ``wanted`` is Log On As, "" for the account of the agent; ``agents`` and ``running`` are "" while not known.
    """
    right = wanted or agents
    if not running or not right or running == right:
        return ""
    whose = "its Log On As is" if wanted else "its agent, whose account it is to have, runs as"
    return f"{name} runs as {running}, {whose} {right}."


def wrong_account_of(row: Application) -> str:
    """A sentence when the server runs as another account than it should, "" when not or while it is not known."""
    runtime = getattr(row, "runtime", None)
    agent = getattr(row.host, "runtime", None) if row.host else None
    return wrong_account(name=row.name, wanted=row.os_account, running=runtime.account if runtime else "",
                         agents=str(agent.facts.get("account", "")) if agent else "")
