"""Versions of a host."""
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.declared import labels, values
from provisioning.drafts import HostDraft
from provisioning.errors import Refusal
from provisioning.history.restore import KINDS, Restorable, Version, known
from provisioning.models import Host

from . import hosts


def host_version(body: dict, row: Host | None) -> Version:
    """As ``application_version``, of a host."""
    draft = HostDraft(**known(HostDraft, body))
    if row is not None:
        return Version(draft)
    return Version(draft, (Refusal("It gets a secret of its own: press Join on its page afterwards, and its agent is "
                                   "accepted again."),))


def _update_host(*, actor: Actor, row: Host, draft: HostDraft, reason: str) -> Host:
    return hosts.update_host(actor=actor, host_id=row.pk, revision=row.revision, draft=draft, reason=reason)


KINDS["host"] = Restorable(
    permission=permissions.MANAGE_HOSTS, labels=labels(HostDraft), version=host_version,
    present=lambda row: HostDraft(**values(HostDraft, row)),
    refusals=lambda draft, row: hosts.check_host(draft=draft, host_id=row.pk if row else None),
    update=_update_host, create=hosts.create_host)
