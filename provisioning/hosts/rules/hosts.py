"""Rules of Host objects (domain.md 1.4)."""

import ipaddress
import re
from dataclasses import dataclass

from provisioning.core.text import number_refusals, text_refusals
from provisioning.drafts import HostDraft
from provisioning.errors import Link, Refusal
from provisioning.models.hosts import LCA_PORT_MAX, LCA_PORT_MIN
from provisioning.states import OSType

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")


@dataclass(frozen=True, kw_only=True)
class StoredHost:
    id: int
    name: str
    lca_port: int
    applications: tuple[Link, ...] = ()
    running: tuple[Link, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostDraftFacts:
    """``ports`` are those of the host's applications that have the number of the drafted LCA Port: ((number,
    application link), ...). Of ``stored`` as many applications as a sentence names, and one more."""

    stored: StoredHost | None = None
    same_name: Link | None = None
    same_address: Link | None = None
    ports: tuple[tuple[int, Link], ...] = ()
    reserved: tuple[tuple[int, str], ...] = ()


def host_refusals(draft: HostDraft, facts: HostDraftFacts) -> list[Refusal]:
    """Every rule that ``draft`` does not keep; fields are those of HostDraft."""
    return [*_name(draft, facts), *_address(draft, facts), *_system(draft), *_lca_port(draft, facts)]


def _name(draft: HostDraft, facts: HostDraftFacts) -> list[Refusal]:
    refusals = text_refusals(draft.name, field="name", label="Name", longest=255)
    if not refusals and not _NAME.match(draft.name):
        refusals.append(Refusal("Name is the network name of the machine: letters, digits, \"-\", \".\" and \"_\", "
                                "beginning and ending with a letter or digit.", "name"))
    if facts.same_name is not None:
        refusals.append(Refusal(f"A host named {draft.name} exists already. Choose another name.", "name",
                                (facts.same_name,)))
    stored = facts.stored
    if stored is not None and stored.name != draft.name and stored.applications:
        refusals.append(Refusal(f"Name cannot change while applications are assigned to {stored.name}.", "name",
                                stored.applications[:5]))
    return refusals


def _address(draft: HostDraft, facts: HostDraftFacts) -> list[Refusal]:
    try:
        ipaddress.ip_address(draft.ip_address)
    except ValueError:
        return [Refusal("IP Address must be an IPv4 or IPv6 address, for example 192.0.2.10.", "ip_address")]
    if facts.same_address is not None:
        return [Refusal(f"Host {facts.same_address.name} has the address {draft.ip_address} already.", "ip_address",
                        (facts.same_address,))]
    return []


def _system(draft: HostDraft) -> list[Refusal]:
    refusals = text_refusals(draft.os_version, field="os_version", label="OS Version", longest=64)
    if draft.os_type not in OSType.values:
        refusals.append(Refusal(f'"{draft.os_type}" is no OS Type. Use one of: {", ".join(OSType.values)}.', "os_type"))
    return refusals


def _lca_port(draft: HostDraft, facts: HostDraftFacts) -> list[Refusal]:
    refusals = number_refusals(draft.lca_port, field="lca_port", label="LCA Port", least=LCA_PORT_MIN,
                               most=LCA_PORT_MAX)
    for number, link in facts.ports:
        if number == draft.lca_port:
            refusals.append(Refusal(f"Port {number} is a Listening Port of {link.name} on this host. Choose another "
                                    "number.", "lca_port", (link,)))
    for number, what in facts.reserved:
        if number == draft.lca_port:
            refusals.append(Refusal(f"Port {number} on this host is used by {what}. Choose another number.",
                                    "lca_port"))
    stored = facts.stored
    if stored is not None and stored.lca_port != draft.lca_port and stored.running:
        names = ", ".join(link.name for link in stored.running[:5])
        refusals.append(Refusal(f"LCA Port cannot change while applications run there ({names}). Stop them first, "
                                "then restart the agent with the new port.", "lca_port", stored.running[:5]))
    return refusals
