"""Scenarios: a real `manage.py up` with everything that belongs to it, on free ports and an own data directory."""
