"""Whether the console has the key of its database: asked by each of its processes before it begins to work."""

from django.db import DatabaseError, connections

from console.up.errors import CannotStart
from provisioning.monitoring.selectors.encryption import advice, why_wrong


def require_the_key() -> None:
    """Raises CannotStart when values in the Configuration Database need another key. A database that does not answer
    now is asked later, by whatever needs it."""
    try:
        why = why_wrong()
    except DatabaseError:
        return
    if why:
        raise CannotStart(f"{why} {advice()}")


def require_the_key_of_this_process() -> None:
    """The same, of a process that goes on without the connection: children that it forks must not share it."""
    try:
        require_the_key()
    finally:
        for connection in connections.all(initialized_only=True):
            connection.close()
            if connection.vendor == "postgresql":
                connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has it
