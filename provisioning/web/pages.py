"""What every page of the operations side does the same way: permission, page or fragment, refusals beside fields."""

import functools
from collections.abc import Callable
from typing import TypeVar

from django.contrib import messages
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import redirect, render

from provisioning.core.permissions import VIEW, actor_of, sentence_for
from provisioning.errors import Conflict, Refusal, Refused

from .answers import dialog, done, sentence, with_sentences

Done = TypeVar("Done")


def page(verb: str = VIEW, *, to_read: str = ""):
    """The view needs ``verb`` besides VIEW; NotAllowed and NotFound become a page that says so (403, 404). Where
    ``to_read`` is another verb, it is enough for looking at a form (``only_read``)."""

    def decorate(view):
        @with_sentences
        @functools.wraps(view)
        def allowed(request, *args, **kwargs):
            actor_of(request).require(VIEW)
            actor_of(request).require(to_read if to_read and request.method in ("GET", "HEAD") else verb)
            return view(request, *args, **kwargs)

        return allowed

    return decorate


def show(request, template: str, context: dict, status: int = 200) -> HttpResponse:
    """The whole page, or only its content when htmx asks for a part of it; one template for both."""
    part = request.htmx and not request.htmx.history_restore_request
    layout = "web/fragment.html" if part else "base.html"
    answer = render(request, template, context | {"layout": layout}, status=status)
    answer.headers["Vary"] = ", ".join(filter(None, (answer.headers.get("Vary"), "HX-Request")))
    return answer


def refuse(form, refused: Refused) -> None:
    """Put each refusal next to its field of ``form``."""
    for refusal in refused.refusals:
        form.add_error(refusal.field if refusal.field in form.fields else None, sentence(refusal))


def checked(request, form, touched: set[str], *, in_dialog: bool = False) -> HttpResponse:
    """What is wrong now in the fields that were ``touched``, each for its own place; of a page's form also what is
    wrong with it as a whole."""
    fields = [(form[name].auto_id, form[name].errors) for name in form.fields if name in touched]
    whole = [] if in_dialog else [("form", form.non_field_errors())]
    return render(request, "pairwise/checked.html", {"checked": fields + whole})


def only_read(request, verb: str, *forms) -> str:
    """Why who looks at ``forms`` cannot send them, so that nothing can be typed into them; "" for who has ``verb``."""
    if actor_of(request).may(verb):
        return ""
    for form in forms:
        for field in form.fields.values():
            field.disabled = True
    return sentence_for(verb)


def summary_of(form) -> list[tuple]:
    """The lines of templates/pairwise/summary.html for a form whose page has no tabs."""
    return [*(("", error, "", "") for error in form.non_field_errors()),
            *((field.label, error, field.auto_id, "") for field in form for error in field.errors)]


def import_file(request, form_class, keep: Callable[..., Model], *, template: str, noun: str, to: str):
    """Choose a file and give it to ``keep(uploaded)``; what is refused stands beside the file. Leaves for the page
    ``to`` of the row; ``noun`` names it, with its article."""
    form = form_class(request.POST, request.FILES) if request.method == "POST" else form_class()
    if form.is_valid():
        try:
            row = keep(form.cleaned_data["file"])
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, f"{noun.split(' ', 1)[1]} {row} was imported.")
            return redirect(to, pk=row.pk)
    return dialog(request, template, f"Import {noun}", {"form": form}, status=422 if form.is_bound else 200)


def carry_out(request, work: Callable[[], Done], *, said: Callable[[Done], str], to: Callable[[Done], str], back: str):
    """Do ``work``; then leave for ``to(result)`` with the message ``said(result)``, or, when it is refused, say why
    and go ``back``."""
    try:
        result = work()
    except (Refused, Conflict) as error:
        for refusal in getattr(error, "refusals", (Refusal(str(error)),)):
            messages.error(request, sentence(refusal))
        return done(request, back, leave=True)
    messages.success(request, said(result))
    return done(request, to(result), leave=True)
