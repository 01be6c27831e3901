"""Pairs: what is going on with one, and its verbs."""
