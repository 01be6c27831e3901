"""Which lists have saved searches, and what of their addresses one keeps."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from django.http import QueryDict

from provisioning.history.entries import history_users
from provisioning.history.forms import HistoryFilter
from provisioning.logs.forms import LogFilter
from provisioning.models.searches import QUERY_CHARACTERS
from provisioning.monitoring.forms import EventFilter
from provisioning.web.filters import FilterForm

FILTERS: Mapping[str, Callable[[QueryDict], FilterForm]] = {
    "log-list": LogFilter, "event-list": EventFilter,
    "history": lambda data: HistoryFilter(data, users=history_users())}
"""{name of a list's address: its filter}."""
TITLES = {"log-list": "Centralized Log", "event-list": "Events", "history": "History"}


def query_of(list_name: str, query: str) -> str:
    """What the list's filter takes of a query string: its own fields with valid values. "" for one that is too long."""
    if len(query) > QUERY_CHARACTERS:
        return ""
    form = FILTERS[list_name](QueryDict(query))
    kept = urlencode([(name, form.data[name]) for name in form.fields if name in form.chosen()])
    return kept if len(kept) <= QUERY_CHARACTERS else ""
