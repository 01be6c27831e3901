"""Which pair takes whose log records: the one in Connections of an application, else the one that the console chose."""

from collections.abc import Iterable

from provisioning.core.prepared import Prepared
from provisioning.models import Application, Connection, Console
from provisioning.states import RUNNABLE_TYPES

_CHOSEN = Prepared(lambda: Console.objects.filter(pk=1).values_list("log_to_id"))
_CONNECTED = Prepared(lambda: Connection.objects.filter(
    application__type__in=RUNNABLE_TYPES, server__type__in=RUNNABLE_TYPES).order_by("-id").values_list(
    "application_id", "server_id", "server__primary_server__id"))


def default_pair() -> int | None:
    """Id of the primary of the pair that the console chose; None while none is chosen."""
    return next((key for key, in _CHOSEN.rows()), None)


def own_pairs() -> dict[int, int]:
    """{id of an application: id of the primary of the first pair of Message Servers in its Connections}."""
    return {application: primary or server for application, server, primary in _CONNECTED.rows()}


def pair_members(primaries: Iterable[int]) -> dict[int, list[Application]]:
    """The members of the pairs with these primaries, the primary first, each with its secret, host and ports."""
    found = {row.pk: row for row in Application.objects.filter(pk__in=set(primaries)).select_related(
        "host", "backup_server__host").defer("host__secret", "backup_server__host__secret").prefetch_related(
            "ports", "backup_server__ports")}
    return {key: [row for row in (primary, primary.backup_server) if row is not None]
            for key, primary in found.items()}
