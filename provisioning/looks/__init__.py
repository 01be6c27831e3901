"""Looks on hosts: what is true there."""
