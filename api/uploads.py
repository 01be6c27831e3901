"""Files that are sent as the body of a request, as they are."""

from typing import Any

APD, PACKAGE = "text/plain", "application/gzip"
BINARY = "application/octet-stream"
FILES = {"templates": APD, "packages": PACKAGE}
"""{name of an address that takes one by POST: its media type}; each is taken as BINARY, too."""


def described_as(kind: str) -> dict[str, Any]:
    """What the description of the API says of the body."""
    content = {each: {"schema": {"type": "string", "format": "binary"}} for each in (kind, BINARY)}
    return {"requestBody": {"required": True, "content": content}}
