"""Filters of lists that people keep under a name, for themselves or, as Administrators, for all."""
