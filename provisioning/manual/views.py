"""The documentation in the console: a document, what a document links to, and where words stand."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from provisioning.errors import NotFound
from provisioning.web.pages import page, show

from . import pages, selectors
from .facts import PAGE

KINDS = {".webp": "image/webp", ".json": "application/json"}
LONGEST = 200
"""Characters that are searched for."""
MISSING = "There is no such page of the documentation: Documentation in the user menu lists all of them."


@require_safe
@page()
def document(request, chapter="index"):
    """The document at this address; without one the list of all."""
    found = selectors.chapters().get(f"{chapter}{PAGE}")
    if found is None:
        raise NotFound(MISSING)
    return show(request, "manual/page.html", pages.of_document(found))


@require_safe
@page()
def search(request):
    """Sections of all documents that hold the words in ``q``."""
    text = request.GET.get("q", "").replace("\0", "")[:LONGEST]
    return show(request, "manual/search.html", pages.of_search(selectors.search(text), text))


@require_safe
@page()
def file(request, file):
    """A picture, or another file that documents link to."""
    path = selectors.files().get(file)
    if path is None:
        raise NotFound(MISSING)
    return HttpResponse(path.read_bytes(), content_type=KINDS.get(path.suffix, "text/plain; charset=utf-8"))
