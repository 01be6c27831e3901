"""Requests of programs that are sent again: done once, answered each time."""
