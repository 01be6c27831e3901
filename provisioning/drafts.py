"""What somebody wants an object to be, before any rule has looked at it: plain values from a form or a file. Each field
says here what holds of it (declared.py)."""

from dataclasses import dataclass
from typing import Any

from provisioning.declared import AGENT, SERVER, Kind, declared, facts
from provisioning.states import ListeningMode, RedundancyType

NUMBER, FLAG, LINK, ROWS, TABLE = Kind.NUMBER, Kind.FLAG, Kind.LINK, Kind.ROWS, Kind.TABLE
BOTH = (AGENT, SERVER)


@dataclass(frozen=True, kw_only=True)
class PortDraft:
    """A Listening Port. Its number is its member's own, and so are some Transport Parameters."""

    port_id: str = declared("ID", written="id", compared=True, at_start=True, sent=(SERVER,))
    port: int = declared("Port", NUMBER, at_start=True, sent=(SERVER,))
    protocol: str = declared("Connection Protocol", default="", compared=True, at_start=True, sent=(SERVER,))
    ha_sync: bool = declared("HA Sync", FLAG, default=False, compared=True, at_start=True, sent=(SERVER,))
    listening_mode: str = declared("Listening Mode", default=ListeningMode.UNSECURED, compared=True, at_start=True,
                                   sent=(SERVER,))
    transport_parameters: str = declared("Transport Parameters", default="", at_start=True, sent=(SERVER,))
    application_parameters: str = declared("Application Parameters", default="", compared=True, told=False)
    description: str = declared("Description", default="", compared=True, told=False)


@dataclass(frozen=True, kw_only=True)
class ConnectionDraft:
    server_id: int = declared("Server", LINK)
    port_id: str = declared("Port ID", written="port_id", default="default")
    protocol: str = declared("Connection Protocol", default="")
    timeout_local: int = declared("Local Timeout", NUMBER, default=0)
    timeout_remote: int = declared("Remote Timeout", NUMBER, default=0)
    trace_mode: str = declared("Trace Mode", default="none")
    transport_parameters: str = declared("Transport Parameters", default="")
    application_parameters: str = declared("Application Parameters", default="")


@dataclass(frozen=True, kw_only=True)
class ApplicationDraft:
    """All that can be typed for an Application. Ids are database keys; None = not chosen.

    ``options`` and ``annex`` are {section: {key: value}}; a value equal to ``models.applications.MASK`` means "leave
    the stored secret". ``options=None`` (or ``annex``, ``ports``, ``connections``) means: at creation, what the
    template proposes; at a change, leave as it is.
    """

    name: str = declared("Name", sent=BOTH)
    template_id: int | None = declared("Application Template", LINK)
    host_id: int | None = declared("Host", LINK, default=None)
    enabled: bool = declared("Enabled", FLAG, default=True, sent=BOTH)
    tenants: str = declared("Tenants", default="Environment", compared=True, told=False)
    working_directory: str = declared("Working Directory", default="", at_start=True, sent=BOTH)
    command_line: str = declared("Command Line", default="", at_start=True, sent=(AGENT,))
    command_line_arguments: str = declared("Command Line Arguments", default="", at_start=True, sent=(AGENT,))
    startup_timeout: int = declared("Startup Timeout", NUMBER, default=90, compared=True, sent=BOTH)
    shutdown_timeout: int = declared("Shutdown Timeout", NUMBER, default=90, compared=True, sent=BOTH)
    auto_restart: bool = declared("Auto-Restart", FLAG, default=False, compared=True, sent=(AGENT,))
    backup_server_id: int | None = declared("Backup Server", LINK, default=None, written="backup")
    redundancy_type: str = declared("Redundancy Type", default=RedundancyType.NOT_SPECIFIED)
    reconnect_timeout: int = declared("Reconnect Timeout", NUMBER, default=10, compared=True, told=False)
    reconnect_attempts: int = declared("Reconnect Attempts", NUMBER, default=1, compared=True, told=False)
    log_on_as: str = declared("Log On As Account", default="SYSTEM", at_start=True)
    description: str = declared("Description", default="")
    ports: tuple[PortDraft, ...] | None = declared("Listening Ports", ROWS, default=None)
    connections: tuple[ConnectionDraft, ...] | None = declared("Connections", ROWS, default=None)
    options: dict[str, dict[str, str]] | None = declared("Options", TABLE, default=None)
    annex: dict[str, dict[str, str]] | None = declared("Annex", TABLE, default=None)


ONLY_LOG_PASSED_ON = ("A Message Server publishes its log records to the first Message Server here, and its pair; "
                      "Pairwise passes nothing else of Connections on.")
NOT_PASSED_ON = "Pairwise does not pass this on: no program is told of it."
REACH_NOBODY = tuple(name for name, each in facts(ApplicationDraft).items() if not each.told)
"""Fields of an ApplicationDraft that no server, host or client is told of. Forms say so (NOT_PASSED_ON), and the audit
only notes what it thinks of them."""


@dataclass(frozen=True, kw_only=True)
class HostDraft:
    name: str = declared("Name")
    ip_address: str = declared("IP Address")
    os_type: str = declared("OS Type", default="Linux")
    os_version: str = declared("OS Version", default="")
    lca_port: int = declared("LCA Port", NUMBER, default=4999)
    enabled: bool = declared("Enabled", FLAG, default=True)


@dataclass(frozen=True, kw_only=True)
class PackageDraft:
    """What is known of an Installation Package; ``sha256`` and ``size`` (bytes) are those of its file."""

    name: str = declared("Name")
    nickname: str = declared("Nickname")
    type: str = declared("Type")
    version: str = declared("Version")
    locale: str = declared("Locale")
    os_type: str = declared("Operating System")
    description: str = declared("Description")
    sha256: str = declared("SHA-256")
    size: int = declared("Size", NUMBER)


@dataclass(frozen=True, kw_only=True)
class TemplateDraft:
    """What an .apd file says. ``options`` {section: {key: {"value", "help"}}}; ``ports`` as in ApplicationTemplate."""

    name: str = declared("Name")
    type: str = declared("Type")
    version: str = declared("Version")
    options: dict[str, dict[str, dict[str, str]]] = declared("Options", TABLE, default_factory=dict)
    ports: list[dict[str, Any]] = declared("Ports", ROWS, default_factory=list)
    file_name: str = declared("File", default="")
