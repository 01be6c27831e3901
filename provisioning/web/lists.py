"""From which list a page was opened: the list with its filters, its order and its page. The address of the page says so
(``?list=``), so a reload and a second tab each keep their own; nothing of it is stored.

What comes from a browser is never an address to go to: only a path that is one of LISTS counts, and the address is made
anew from its name.
"""

from urllib.parse import urlencode, urlsplit

from django.http import QueryDict
from django.urls import Resolver404, ResolverMatch, resolve, reverse
from django.utils.deprecation import MiddlewareMixin

LIST = "list"
LISTS = frozenset({
    "application-list", "template-list", "host-list", "user-list", "package-list", "job-list", "event-list", "history",
    "history-deleted", "pair-list", "pair-drills", "audit-list", "audit-waivers", "log-list", "alarm-list",
    "condition-list", "maintenance-list", "channel-list", "rule-list", "delivery-list", "pair-changes",
    "pair-messages", "pair-destinations",
    "apitoken-list", "shipping-list"})
"""Every list with filters or pages; ``tests/provisioning/web/test_lists.py`` walks them."""
OF_A_MOMENT = (LIST, "saved", "refresh")
"""What a list's address says once: the row that was just saved, and that a script asks again."""
BEFORE_SIGN_IN = frozenset({"login", "logout", "password-change", "home"})
ADDRESS_MAX = 4000


def opened_from(request) -> str:
    """Address of the list that ``request`` shows or from which its page was opened, with what the list was filtered,
    ordered and paged by; "" when there is no such list, or nothing of it to keep."""
    if not hasattr(request, "_opened_from"):
        request._opened_from = _opened_from(request)
    return request._opened_from


def _opened_from(request) -> str:
    kept = _list_at(request.get_full_path()) or _list_at(request.GET.get(LIST, ""))
    if kept or _list_shown(request.resolver_match):
        return kept
    by_script = bool(getattr(request, "htmx", False))
    asking = (request.htmx.current_url if by_script else request.headers.get("Referer")) or ""
    # A link that knows nothing of lists (New beside rows that a script filtered, a link in a message) is one of the
    # list that it stands on; on any other page it is the start of another way.
    return _list_at(asking) or (_list_of(asking) if by_script or request.method == "POST" else "")


def list_name(address: str) -> str:
    """Of the list at ``address``; "" for none."""
    return _list_shown(_match(address))


def _list_shown(match: ResolverMatch | None) -> str:
    return match.url_name if match is not None and match.url_name in LISTS else ""


def _list_of(address: str) -> str:
    """The list from which the page at ``address`` was opened."""
    parts = parts_of(address)
    return _list_at(QueryDict(parts.query).get(LIST, "")) if parts else ""


def _list_at(address: str) -> str:
    """``address`` made anew, of this console and with what is to be kept, when it is that of a list."""
    parts, match = parts_of(address), _match(address)
    name = _list_shown(match)
    if parts is None or match is None or not name:
        return ""
    query = _kept(QueryDict(parts.query))
    return f"{reverse(name, args=match.args, kwargs=match.kwargs)}?{query}" if query else ""


def _kept(values: QueryDict) -> str:
    return urlencode([(name, value) for name, found in values.lists() if name not in OF_A_MOMENT
                      for value in found if value])


def parts_of(address: str):
    """``address`` in its parts; None for what is none, or is longer than any of ours."""
    try:
        return urlsplit(address) if len(address) <= ADDRESS_MAX else None
    except ValueError:
        return None


def _match(address: str) -> ResolverMatch | None:
    parts = parts_of(address)
    try:
        return resolve(parts.path) if parts and parts.path else None
    except Resolver404:
        return None


def with_query(address: str, **values) -> str:
    """``address`` with further values in its query; a fragment stays at the end."""
    parts = urlsplit(address)
    added = urlencode({name: value for name, value in values.items() if value not in (None, "")})
    return parts._replace(query="&".join(filter(None, (parts.query, added)))).geturl()


def onward(request, name: str, *args, **query) -> str:
    """Address of a page behind the list: of one of its rows, or of what belongs to a page that was opened from it."""
    return with_query(reverse(name, args=args), **query, **{LIST: opened_from(request)})


def back_to(request, name: str, *args) -> str:
    """Address of the list ``name``: as it was when this page was opened from it, else all of it."""
    plain, kept = reverse(name, args=args), opened_from(request)
    return kept if urlsplit(kept).path == plain else plain


def leave_for(request, name: str, *, saved: object = "") -> str:
    """Where to go from an editor that is left: the list that it was opened from, whichever it is, else the list
    ``name``. ``saved``: the row that ``name`` points out."""
    address = opened_from(request) or reverse(name)
    return with_query(address, saved=saved) if urlsplit(address).path == reverse(name) else address


def carried(request, address: str) -> str:
    """``address``, to which a request leads on, with the list that its page was opened from."""
    kept, parts, match = opened_from(request), parts_of(address), _match(address)
    if not kept or match is None or parts.scheme or parts.netloc or match.url_name in BEFORE_SIGN_IN:
        return address
    values = QueryDict(parts.query)
    if _list_shown(match):
        same = parts.path == urlsplit(kept).path and not _kept(values)
        return with_query(kept, saved=values.get("saved")) if same else address
    return address if LIST in values else with_query(address, **{LIST: kept})


class KeepLists(MiddlewareMixin):
    """Wherever a view sends somebody, the list goes along."""

    def process_response(self, request, response):
        for header in ("Location", "HX-Redirect"):
            if header in response and request.resolver_match is not None:
                response[header] = carried(request, response[header])
        return response
