"""What is answered when what a form was for was deleted meanwhile."""

from django.http import HttpResponse
from django.urls import reverse

from provisioning.errors import NotFound
from provisioning.history.entries import last_change
from provisioning.web.kept import Kept, kept_of, kept_page

OF_THE_OLD = frozenset({"application", "revision", "version", "tab", "after"})
"""What a form says of the object that it is for, and no other one has."""


def deleted_page(request, error: NotFound, *, object_type: str, key: int, new: str) -> HttpResponse:
    """For somebody who posted a form for an object that was deleted meanwhile: the form once more, for the address that
    makes a new one. Raises ``error`` again where nothing was typed."""
    if request.method != "POST" or request.htmx:
        raise error
    last = last_change(object_type, key)
    who = f"{last.user_name} deleted it while you were editing it" if last else "Somebody deleted it"
    kept = Kept(reverse(new), tuple(field for field in kept_of(request).fields if field.name not in OF_THE_OLD))
    return kept_page(request, kept, heading=f"{last.object_name if last else 'It'} does not exist any more", status=404,
                     sentence=f"{who}. What you typed can be saved as a new one.")
