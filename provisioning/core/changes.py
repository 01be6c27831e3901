"""After a change: the one place that tells pages and control, once per transaction and only when it is committed."""

from collections.abc import Iterable

from django.db import transaction

from . import control_client, signals


class _Pending:
    """What one transaction has to tell; lives in the transaction's own list of commit hooks, so a rollback drops it."""

    def __init__(self):
        self.topics: dict[str, None] = {}
        self.applications: dict[str, None] = {}
        self.hosts: dict[str, None] = {}

    def __call__(self):
        signals.announce(*self.topics)
        if self.applications or self.hosts:
            control_client.announce_changed(applications=list(self.applications), hosts=list(self.hosts))


def _pending() -> _Pending:
    connection = transaction.get_connection()
    for _, hook, *_ in connection.run_on_commit:
        if isinstance(hook, _Pending):
            return hook
    return _Pending()


def tell(*topics: str, applications: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
    """Announce ``topics`` to open pages, and to control that these applications and hosts (names) are to be read
    again, as soon as the running transaction is committed (at once outside of one)."""
    pending = _pending()
    is_new = not (pending.topics or pending.applications or pending.hosts)
    pending.topics.update(dict.fromkeys(topics))
    pending.applications.update(dict.fromkeys(applications))
    pending.hosts.update(dict.fromkeys(hosts))
    if is_new:
        transaction.on_commit(pending)
