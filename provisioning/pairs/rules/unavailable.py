"""What helps a server that runs and says that it cannot serve, by the reason that it gives. Pure."""

import re

FULL = re.compile(r"\b(?:full|no space left|quota)\b", re.IGNORECASE)
HANGS = re.compile(r"\b(?:disk|store|write)\b.*\b(?:not answered|not answer|hangs|not come back)\b", re.IGNORECASE)
DISK = re.compile(r"\b(?:disk|cannot be stored|not take a write|i/o error|read-?only)\b", re.IGNORECASE)


def what_helps(reason: str, *, name: str, host: str, directory: str) -> str:
    """Sentences for people; ``reason`` is the server's own."""
    where = f"on host {host}" if host else "on its host"
    kept = f" ({directory}/data)" if directory else ""
    if FULL.search(reason):
        return f"Make room on the disk {where} where {name} keeps its messages{kept}; it serves again by itself then."
    if HANGS.search(reason):
        return f"The disk {where} where {name} keeps its messages{kept} hangs: mend it, or what it hangs on."
    if DISK.search(reason):
        return f"Look at the disk {where} where {name} keeps its messages{kept}: it refuses what is written."
    return f"{name} runs, and its log {where} says why it cannot serve."
