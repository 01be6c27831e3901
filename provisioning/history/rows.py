"""Listening Ports and Connections as people read them, pure. A text names every field of its row: two rows that differ
never read alike, whoever compares them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioning.drafts import ConnectionDraft, PortDraft
from provisioning.states import ListeningMode

Texts = Mapping[str, Callable[[Any], str]]


def _labelled(label: str) -> Callable[[Any], str]:
    return lambda value: f"{label} {value}" if value not in ("", None) else ""


_MODES = {str(mode): str(mode.label) for mode in ListeningMode}
PORT: Texts = {
    "port": str, "protocol": _labelled("protocol"), "ha_sync": lambda value: "HA Sync" if value else "",
    "listening_mode": lambda value: _MODES.get(value, str(value)), "transport_parameters": _labelled("transport"),
    "application_parameters": _labelled("parameters"), "description": _labelled("description"),
}
"""What a port's text says of each field; port_id is its name."""
CONNECTION: Texts = {
    "protocol": lambda value: f"protocol {value or 'none'}", "timeout_local": lambda value: f"local {value} s",
    "timeout_remote": lambda value: f"remote {value} s", "trace_mode": _labelled("trace"),
    "transport_parameters": _labelled("transport"), "application_parameters": _labelled("parameters"),
}
"""What a connection's text says of each field; the server and port_id are its name."""


def port_text(row: PortDraft) -> str:
    """All of a port but its ID."""
    return _text(PORT, row)


def connection_texts(rows: Iterable[ConnectionDraft], names: Mapping[int, str]) -> list[tuple[str, str]]:
    """(server and port ID, the rest) of each connection, in order; ``names`` are those of the servers."""
    return [(f"{names.get(row.server_id, '?')} {row.port_id}", _text(CONNECTION, row)) for row in rows]


def connection_lines(rows: Iterable[ConnectionDraft], names: Mapping[int, str]) -> tuple[str, ...]:
    """Each connection as one text, in order."""
    return tuple(f"{name}: {text}" for name, text in connection_texts(rows, names))


def _text(texts: Texts, row: Any) -> str:
    return ", ".join(filter(None, (text(getattr(row, name)) for name, text in texts.items())))
