"""The launcher for Windows that the Installation Package carries: distlib's, which pip's own scripts start with."""

from importlib import resources

NAME = "t64.exe"


def windows_launcher() -> bytes:
    """A console program for 64-bit Windows that hands its arguments, and the zip behind it, to Python."""
    return (resources.files("distlib") / NAME).read_bytes()
