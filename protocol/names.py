"""Names that several processes make from the same thing."""

import hashlib
import re


def safe_name(name: str) -> str:
    """A file name for an application's name, different for different names."""
    readable = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:60].lstrip(".") or "application"
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
