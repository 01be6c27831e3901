"""Hosts: the object, its page, how one joins."""
