"""The Message Server: accepts, stores and delivers messages. Standard library only (uvloop when present)."""

VERSION = "8.5.100.01"
"""Of the program, its package and its template. It grows with each release of Pairwise that changes one of them."""
