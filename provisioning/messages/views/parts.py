"""What the pages of a Message Server have in common: the frame around what was read, and why nothing was."""

from collections.abc import Callable
from typing import Any, TypeVar

from provisioning.messages.facts import NotRead
from provisioning.messages.selectors.asked import Servers

Read = TypeVar("Read")


def around(found: Servers, name: str) -> dict[str, Any]:
    """Of the page at the address ``name``."""
    return {"servers": found, "tab": name}


def read(work: Callable[[], Read]) -> tuple[Read | None, NotRead | None]:
    """What ``work`` has read, or why nothing was."""
    try:
        return work(), None
    except NotRead as trouble:
        return None, trouble
