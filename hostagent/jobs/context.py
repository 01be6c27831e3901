"""What every job of this host's worker is given."""

from collections.abc import Callable
from dataclasses import dataclass

from celery import Celery

from ..config import AgentConfig
from .journal import Entry, Journal
from .refusals import Refusals
from .reporter import Outbox
from .sender import Sender


@dataclass(frozen=True)
class Context:
    """``make_sender`` makes a new connection for reports; the caller closes it."""

    config: AgentConfig
    journal: Journal
    make_sender: Callable[[], Sender]
    refusals: Refusals

    @property
    def worker(self) -> str:
        return f"worker@{self.config.host}"

    def outbox(self, entry: Entry, sender: Sender) -> Outbox:
        return Outbox(entry, host=self.config.host, secret=self.config.secret, send=sender)


def context_of(config: AgentConfig, app: Celery) -> Context:
    def make_sender() -> Sender:
        return Sender(app, config.host)

    return Context(config, Journal(config.jobs_dir), make_sender,
                   Refusals(host=config.host, secret=config.secret, make_sender=make_sender))
