"""The Message Server: accepts, stores and delivers messages. Standard library only (uvloop when present)."""

VERSION = "8.5.100.01"
