"""Which pair takes the log records."""

import contextlib

from provisioning.applications.selectors.applications import get_application
from provisioning.errors import NotFound
from provisioning.models import Application, Console

from .pairs import default_pair, own_pairs

NONE_CHOSEN = "No pair is chosen to collect logs."
CHOOSE = "Choose one at Monitoring > Centralized Log > Settings."


def chosen() -> Console:
    """The row that says it, with who chose it."""
    return Console.objects.select_related("log_to").defer("log_to__secret").filter(pk=1).first() or Console()


def log_to() -> Application | None:
    """The primary of the pair, or a Message Server by itself, as a row of a list of applications; None when none is
    chosen."""
    key = default_pair()
    if key is None:
        return None
    try:
        return get_application(key)
    except NotFound:
        return None


def pairs_in_use() -> list[Application]:
    """The primaries of all pairs that take log records: the chosen one first, then those in Connections of servers."""
    default = default_pair()
    found = []
    for key in dict.fromkeys([*([default] if default else []), *own_pairs().values()]):
        with contextlib.suppress(NotFound):
            found.append(get_application(key))
    backups = {row.backup_server_id for row in found}
    # One that was chosen by itself and is a Backup Server by now is read with its pair, and not twice.
    return [row for row in found if row.pk not in backups]


def members(primary: Application) -> list[Application]:
    """Those of the pair, whoever is recorded to serve first."""
    if primary.backup_server_id is None:
        return [primary]
    both = [primary, get_application(primary.backup_server_id)]
    state = getattr(primary, "pair_state", None)
    return both[::-1] if state is not None and state.active_id == both[1].pk else both
