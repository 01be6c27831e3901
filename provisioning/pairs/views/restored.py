"""Restored Database: after an older control database was put back, what each member has, and which one goes on."""

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from provisioning.accounts.views.confirmed import asked_first
from provisioning.core.control import doubted_count
from provisioning.core.permissions import ACCEPT_LOSS, actor_of, sentence_for
from provisioning.errors import Refused
from provisioning.pairs.forms.verbs import GoOnForm
from provisioning.pairs.rules.restored import Found
from provisioning.pairs.selectors.restored import disputed, members_of
from provisioning.pairs.services import restored as services
from provisioning.web.answers import done
from provisioning.web.pages import carry_out, page, refuse, show


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def restored_list(request):
    """Everything in dispute; POST confirms the records with which all members agree."""
    if request.method == "POST":
        here = reverse("restored-list")
        return carry_out(request, lambda: services.confirm_all(actor=actor_of(request)),
                         said=lambda answer: answer.reason, to=lambda _: here, back=here)
    return show(request, "pairs/restored_list.html", {"rows": disputed(), "doubted": doubted_count()})


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def pair_restored(request, pk: int):
    """What both members have, asked just now; POST lets one go on."""
    primary, backup = members_of(pk)
    if primary.pk != pk:
        return redirect("pair-restored", primary.pk)
    actor, form = actor_of(request), None
    if request.method == "POST":
        actor.require(ACCEPT_LOSS)
        if asks := asked_first(request):
            return asks
        form = GoOnForm(request.POST)
        if form.is_valid():
            try:
                answer = services.go_on(actor=actor, application_id=pk, **form.cleaned_data)
                messages.success(request, answer.reason)
                return done(request, reverse("pair-detail", args=[pk]), leave=True)
            except Refused as error:
                refuse(form, error)
    found, away = _look(actor, pk)
    may = actor.may(ACCEPT_LOSS)
    return show(request, "pairs/restored.html", {
        "primary": primary, "backup": backup, "found": found, "away": away, "cards": _cards(found, form, may=may),
        "why_not": "" if may else sentence_for(ACCEPT_LOSS), "refused": form},
        status=422 if form else 200)


def _look(actor, pk: int) -> tuple[Found | None, str]:
    """What control found out, or why it did not."""
    try:
        return services.look(actor=actor, application_id=pk), ""
    except Refused as error:
        return None, str(error)


def _cards(found: Found | None, posted: GoOnForm | None, *, may: bool) -> list[dict]:
    """Each member with its form; what was typed and refused stays in the one that it was typed into."""
    cards: list[dict] = []
    if found is None:
        return cards
    for choice in found.choices:
        server, other = choice.copy.name, found.other(choice.copy)
        mine = posted if posted and posted.data.get("server") == server else GoOnForm(initial={"server": server})
        mine.is_about(choice, len(cards) + 1, can_be=may and not choice.copy.why_not)
        cards.append({"choice": choice, "form": mine, "other": found.choice(other.name) if other else None})
    return cards
