"""What the rules look at beside the draft: frozen values that a caller has read from the database."""

from dataclasses import dataclass, field

from provisioning.drafts import ConnectionDraft
from provisioning.errors import Link
from provisioning.states import ENDED


@dataclass(frozen=True, kw_only=True)
class TemplateFacts:
    """``options`` as in ApplicationTemplate.options."""

    id: int
    name: str
    type: str
    version: str
    enabled: bool = True
    options: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """``reserved`` are port numbers that something else than an application uses there: ((number, what), ...)."""

    id: int
    name: str
    ip_address: str
    os_type: str
    lca_port: int
    reserved: tuple[tuple[int, str], ...] = ()

    @property
    def link(self) -> Link:
        return Link("host", str(self.id), self.name)


@dataclass(frozen=True, kw_only=True)
class OtherApplication:
    """Another application as far as a rule needs it. ``status`` is a word of states.ApplicationStatus; "Stopped" also
    when it was never started. ``ports`` are ((port id, number), ...); ``primary`` names the server that it backs up.
    ``tenants`` and ``connections`` are read of a primary only: its backup follows them."""

    id: int
    name: str
    type: str
    status: str
    host_id: int | None = None
    working_directory: str = ""
    ports: tuple[tuple[str, int], ...] = ()
    log_on_as: str = ""
    has_ha_sync: bool = False
    tenants: str = ""
    connections: tuple[ConnectionDraft, ...] = ()
    backup_id: int | None = None
    primary: Link | None = None

    @property
    def link(self) -> Link:
        return Link("application", str(self.id), self.name)

    @property
    def is_stopped(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, kw_only=True)
class Stored:
    """The object as it is stored now. ``primary`` is the server that it backs up."""

    id: int
    name: str
    template_id: int
    host_id: int | None
    backup_server_id: int | None
    redundancy_type: str
    status: str
    tenants: str = ""
    connections: tuple[ConnectionDraft, ...] = ()
    primary: OtherApplication | None = None
    active_job: Link | None = None
    secrets: frozenset[tuple[bool, str, str]] = frozenset()
    """(annex, section, key) of the secret options that have a stored value."""

    @property
    def is_stopped(self) -> bool:
        return self.status in ENDED


@dataclass(frozen=True, kw_only=True)
class ApplicationFacts:
    """``stored`` is None at creation. ``neighbours`` are all other applications on the drafted host; ``others`` holds
    every application that the draft or the stored object names (backup, former backup, connections) by id."""

    stored: Stored | None = None
    same_name: Link | None = None
    template: TemplateFacts | None = None
    host: HostFacts | None = None
    neighbours: tuple[OtherApplication, ...] = ()
    others: dict[int, OtherApplication] = field(default_factory=dict)
