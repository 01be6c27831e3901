"""History for the systems that keep audit logs: targets, and the entries that are sent to them (docs/audit-shipping.md).
"""
