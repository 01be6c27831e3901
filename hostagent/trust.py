"""Whom this host trusts: control and the web console, each by the authority that agent.json names."""

import ssl

from protocol.tls import client_context

from .config import AgentConfig


def control_context(config: AgentConfig) -> ssl.SSLContext | None:
    """None where agent.json names no authority: control is without TLS. Raises TlsError."""
    return client_context(config.ca_file) if config.ca_file else None


def console_context(config: AgentConfig) -> ssl.SSLContext:
    """Raises TlsError."""
    return client_context(config.console_ca_file) if config.console_ca_file else ssl.create_default_context()
