"""Names that a client's log record may not take for its own."""

from django.db.models import Count, Max, Sum, Value

from protocol.log_logins import AGENT
from provisioning.core.prepared import Prepared
from provisioning.logs.rules.messages import seen
from provisioning.logs.rules.published import CONSOLE
from provisioning.models import Application
from provisioning.states import RUNNABLE_TYPES

_MARK = Prepared(lambda: Application.objects.filter(type__in=RUNNABLE_TYPES).order_by().values(all=Value(1)).annotate(
    count=Count("id"), last=Max("id"), revisions=Sum("revision")).values_list("count", "last", "revisions"))


class Names:
    """Of supervised applications, of agents and of the console, as ``seen``; read again when there are others."""

    def __init__(self) -> None:
        self._mark: list[list[int]] = []
        self._names: frozenset[str] = frozenset()

    def now(self) -> frozenset[str]:
        mark = _MARK.rows()
        if mark != self._mark:
            rows = Application.objects.filter(type__in=RUNNABLE_TYPES)
            self._names = frozenset(seen(name) for name in (AGENT, CONSOLE, *rows.values_list("name", flat=True)))
            self._mark = mark
        return self._names
