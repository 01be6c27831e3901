"""Alarm Conditions, and the alarms that they raise on events of the timeline and on log records (docs/alarms.md)."""
