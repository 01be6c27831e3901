"""The rules, one module per noun (codes and sources: domain.md 7)."""

from . import (
    accounts,
    hosts,
    installed,
    live_state,
    logins,
    logs,
    options,
    ports,
    redundancy,
    security,
    start_parameters,
)

__all__ = ["accounts", "hosts", "installed", "live_state", "logins", "logs", "options", "ports", "redundancy",
           "security", "start_parameters"]
