"""Pages while the databases are moved, or are of another version: they can be read, and what somebody sends is kept in
the page."""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from console import kept_databases
from provisioning.core.database_trouble import MOVED, Trouble
from provisioning.core.database_version import look
from provisioning.web.busy import takes_no_changes

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
API = "/api/"


class Standstill:
    """Named in settings.MIDDLEWARE behind the look at where a form comes from: what another site sends is never put
    before anybody (provisioning.web.kept)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self._answer = get_response
        self._began_with = number(settings.PAIRWISE_DATA_DIR)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._answer(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponse | None:
        if request.method in SAFE or request.path.startswith(API):
            return None
        trouble = Trouble(MOVED) if self._is_moving() else look.trouble()
        return None if trouble is None else takes_no_changes(request, trouble)

    def _is_moving(self) -> bool:
        """Also from the moment on in which other databases count than those that this process has open."""
        try:
            kept = kept_databases.read(settings.PAIRWISE_DATA_DIR)
        except kept_databases.Contradiction:
            return False
        return bool(kept and kept.is_at_work) or _number(kept) != self._began_with


def number(data_dir: Path) -> str:
    """Of the databases that count now; "" for those that were never moved."""
    try:
        return _number(kept_databases.read(data_dir))
    except kept_databases.Contradiction:
        return ""


def _number(kept: kept_databases.Kept | None) -> str:
    return kept.number if kept is not None and kept.counts else ""
