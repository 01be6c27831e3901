"""The page, and the dialog on top of another page, that asks who somebody is before what is dangerous."""

from django.http import HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from provisioning.accounts.forms.factors import ConfirmForm
from provisioning.accounts.services import sign_in
from provisioning.accounts.services.sign_in import SignInRefused
from provisioning.core.permissions import origin_of
from provisioning.web.answers import done, safe_address, say
from provisioning.web.kept import kept_page, sealed, unsealed

from .confirmed import has_confirmed
from .refusal import locked_page
from .shown_factor import question_for, show_factor


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_variables()
def confirm(request):
    """Whoever is signed in; where there is a password it is asked for, else a second factor."""
    form = ConfirmForm(request.POST if request.method == "POST" else None, user=request.user)
    if not form.is_valid():
        return confirm_page(request, form=form)
    kept = unsealed(request)
    try:
        _take(request, form)
    except SignInRefused as refused:
        if refused.lock is not None:
            return say(request, refused.lock.words, 429) if request.htmx else locked_page(request, refused.lock)
        form.add_error(None, str(refused))
        return confirm_page(request, form=form)
    has_confirmed(request)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Trigger": "confirmed"})
    if kept is not None:
        return kept_page(request, kept, heading="Thank you", sentence="You have shown who you are.")
    return done(request, safe_address(request, request.POST.get("next", ""), resolve_url("home")))


def _take(request, form: ConfirmForm) -> None:
    if form.asks_for_password:
        sign_in.confirm(user=request.user, password=form.cleaned_data["password"], origin=origin_of(request))
    else:
        show_factor(request, request.user, form)


def confirm_page(request, *, form: ConfirmForm | None = None, keep: bool = False) -> HttpResponse:
    """``keep``: what this request posts comes back afterwards."""
    form = form or ConfirmForm(user=request.user)
    template = "accounts/_confirm_form.html" if request.htmx else "accounts/confirm.html"
    answer = render(request, template, {
        "form": form, "kept": sealed(request) if keep else request.POST.get("kept", ""),
        "next": safe_address(request, request.POST.get("next") or request.GET.get("next", ""), reverse("home")),
        "question": None if form.asks_for_password else question_for(request, request.user)},
        status=401 if keep else 200)
    answer.headers["Cache-Control"] = "no-store"
    return answer
