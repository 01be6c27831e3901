"""Telling somebody of alarms: channels, notification rules, and the outbox (docs/notifications.md)."""
