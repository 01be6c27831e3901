"""History for the systems that keep audit logs: targets, and what is sent to them (docs/audit-shipping.md)."""
