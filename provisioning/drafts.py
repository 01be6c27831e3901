"""What somebody wants an object to be, before any rule has looked at it: plain values from a form or a file."""

from dataclasses import dataclass, field

from provisioning.states import ListeningMode, RedundancyType


@dataclass(frozen=True, kw_only=True)
class PortDraft:
    port_id: str
    port: int
    protocol: str = ""
    ha_sync: bool = False
    listening_mode: str = ListeningMode.UNSECURED
    transport_parameters: str = ""
    application_parameters: str = ""
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class ConnectionDraft:
    server_id: int
    port_id: str = "default"
    protocol: str = ""
    timeout_local: int = 0
    timeout_remote: int = 0
    trace_mode: str = "none"
    transport_parameters: str = ""
    application_parameters: str = ""


@dataclass(frozen=True, kw_only=True)
class ApplicationDraft:
    """All that can be typed for an Application. Ids are database keys; None = not chosen.

    ``options`` and ``annex`` are {section: {key: value}}; a value equal to ``models.applications.MASK`` means "leave
    the stored secret". ``options=None`` (or ``annex``, ``ports``, ``connections``) means: at creation, what the
    template proposes; at a change, leave as it is.
    """

    name: str
    template_id: int | None
    host_id: int | None = None
    enabled: bool = True
    tenants: str = "Environment"
    working_directory: str = ""
    command_line: str = ""
    command_line_arguments: str = ""
    startup_timeout: int = 90
    shutdown_timeout: int = 90
    auto_restart: bool = False
    backup_server_id: int | None = None
    redundancy_type: str = RedundancyType.NOT_SPECIFIED
    reconnect_timeout: int = 10
    reconnect_attempts: int = 1
    log_on_as: str = "SYSTEM"
    description: str = ""
    ports: tuple[PortDraft, ...] | None = None
    connections: tuple[ConnectionDraft, ...] | None = None
    options: dict[str, dict[str, str]] | None = None
    annex: dict[str, dict[str, str]] | None = None


NOT_PASSED_ON = "Pairwise does not pass this on: no program is told of it."
REACH_NOBODY = ("tenants", "connections", "reconnect_timeout", "reconnect_attempts")
"""Fields of an ApplicationDraft that no server, host or client is told of. Forms say so (NOT_PASSED_ON), and the audit
only notes what it thinks of them."""


@dataclass(frozen=True, kw_only=True)
class HostDraft:
    name: str
    ip_address: str
    os_type: str = "Linux"
    os_version: str = ""
    lca_port: int = 4999
    enabled: bool = True


@dataclass(frozen=True, kw_only=True)
class PackageDraft:
    """What is known of an Installation Package; ``sha256`` and ``size`` (bytes) are those of its file."""

    name: str
    nickname: str
    type: str
    version: str
    locale: str
    os_type: str
    description: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class TemplateDraft:
    """What an .apd file says. ``options`` {section: {key: {"value", "help"}}}; ``ports`` as in ApplicationTemplate."""

    name: str
    type: str
    version: str
    options: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    ports: list[dict] = field(default_factory=list)
    file_name: str = ""
