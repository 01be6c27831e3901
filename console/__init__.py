"""The Django project of Pairwise: settings and what starts and wires the processes together."""

VERSION = "0.1.0"
"""Of the console; pyproject.toml reads it here."""
