"""A dialog in which one object is made or changed: refusals beside their fields, and what somebody else saved meanwhile
is shown before it is written over."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from provisioning.errors import Conflict, Refused

from .answers import dialog, done, sentence
from .lists import leave_for
from .pages import only_read


def _none(saved: Any) -> Iterable[str]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is edited. ``what``: how one is called within a sentence. ``to_list``, ``to_new``, ``to_edit``: names of
    addresses. ``needs``: the verb. ``hints``: sentences to somebody who has saved one."""

    what: str
    to_list: str
    to_new: str
    to_edit: str
    template: str
    needs: str
    hints: Callable[[Any], Iterable[str]] = _none

    @property
    def begins(self) -> str:
        """What a sentence begins with."""
        return self.what[:1].upper() + self.what[1:]


def edited(request: HttpRequest, kind: Kind, row: Any, form: Any, save: Callable[[], Any], *others: Form,
           **context: Any) -> HttpResponse:
    """The dialog with ``form`` (and ``others`` beside it) for ``row``, None for a new one; once they are good the list,
    after ``save``. The template is given ``context``, too."""
    back, conflict, forms = leave_for(request, kind.to_list), None, (form, *others)
    # Each is asked, so that each says what is wrong with it.
    valid = [each.is_valid() for each in forms]
    if form.is_bound and all(valid):
        try:
            saved = save()
        except Refused as error:
            _refuse(error, forms)
        except Conflict as error:
            # Sent once more it is known what is stored.
            conflict = error
            form.has_seen(error.revision)
        else:
            messages.success(request, f"{kind.begins} {saved} was {'saved' if row else 'created'}.")
            for hint in kind.hints(saved):
                messages.warning(request, hint)
            return done(request, back, leave=True)
    return dialog(request, kind.template, f"{kind.begins} {row}" if row else f"New {kind.what}", {
        "form": form, "conflict": conflict, "back": back, "label": "Save" if row else "Create",
        "only_read": only_read(request, kind.needs, *forms),
        "address": reverse(kind.to_edit, args=[row.pk]) if row else reverse(kind.to_new), **context},
        status=409 if conflict else 422 if form.is_bound else 200)


def _refuse(error: Refused, forms: Sequence[Any]) -> None:
    """Put each refusal next to its field, in whichever form it is. ``places`` of a form: {field of the object: its
    own}, where they are not called the same."""
    for refusal in error.refusals:
        for form in reversed(forms):
            place = getattr(form, "places", {}).get(refusal.field, refusal.field)
            if place in form.fields:
                form.add_error(place, sentence(refusal))
                break
        else:
            forms[0].add_error(None, sentence(refusal))
