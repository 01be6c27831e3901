"""The rules, one module per noun (codes and sources: domain.md 7)."""

from . import accounts, clients, hosts, installed, live_state, options, ports, redundancy, security, start_parameters

__all__ = ["accounts", "clients", "hosts", "installed", "live_state", "options", "ports", "redundancy", "security",
           "start_parameters"]
