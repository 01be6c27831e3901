"""Save the filter of a list as a search, and delete one."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from provisioning.core.permissions import SHARE, actor_of
from provisioning.errors import Refused
from provisioning.web.answers import dialog, done
from provisioning.web.lists import list_name as list_at
from provisioning.web.pages import carry_out, page, refuse

from . import services
from .facts import FILTERS, TITLES, query_of
from .forms import SearchForm
from .selectors import get_search, may_delete


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def search_new(request, list_name: str):
    """Keep what the list is filtered by now."""
    if list_name not in FILTERS:
        raise Http404("There is no such list.")
    form = SearchForm(request.POST if request.method == "POST" else None, may_share=actor_of(request).may(SHARE),
                      initial={"query": query_of(list_name, _filtered_by(request, list_name))})
    back = f"{reverse(list_name)}?{request.POST.get('query', form.initial['query'])}"
    if form.is_bound and form.is_valid():
        try:
            row = services.save_search(actor=actor_of(request), list_name=list_name, **form.cleaned_data)
        except Refused as error:
            refuse(form, error)
        else:
            messages.success(request, f"The search {row.name} was saved.")
            return done(request, f"{reverse(list_name)}?{row.query}", leave=True)
    return dialog(request, "searches/new.html", f"{TITLES[list_name]}: Save Search", {
        "form": form, "list_name": list_name, "nothing": not (form.is_bound or form.initial["query"]),
        "back": back if query_of(list_name, urlsplit(back).query) else reverse(list_name),
    }, status=422 if form.is_bound else 200)


def _filtered_by(request, list_name: str) -> str:
    """The query string of the list; a script may have filtered it since the page was sent."""
    shown = (request.htmx.current_url if request.htmx else "") or ""
    return urlsplit(shown).query if list_at(shown) == list_name else request.GET.urlencode()


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def search_delete(request, pk: int):
    actor = actor_of(request)
    row = get_search(actor, pk)
    if not may_delete(actor, row):
        actor.require(SHARE)
    back = reverse(row.list)
    if request.method != "POST":
        return dialog(request, "searches/delete.html", f"Delete the search {row.name}?", {"search": row, "back": back})
    return carry_out(request, lambda: services.delete_search(actor=actor, search_id=pk),
                     said=lambda row: f"The search {row.name} was deleted.", to=lambda row: back, back=back)
