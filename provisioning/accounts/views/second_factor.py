"""The second factor at a sign-in: between the password, or single sign-on, and the session."""

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import clear_login
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from provisioning.accounts.forms.factors import FactorForm
from provisioning.accounts.selectors.factors import APP, factors_of
from provisioning.accounts.services.sign_in import SignInRefused
from provisioning.web.kept import unsealed

from .entry import SecondFactorStage
from .refusal import locked_page, refusal_page
from .shown_factor import question_for, show_factor
from .sign_in import arrived

CHANGED = "The password of this user, or whether the user may sign in, was changed just now. Sign in again."


@require_http_methods(["GET", "HEAD", "POST"])
@login_stage_required(stage=SecondFactorStage.key, redirect_urlname="home")
@sensitive_variables()
def second_factor(request):
    """Whoever has not begun at the sign-in page, or too long ago, is led back there."""
    stage = request._login_stage
    user, kept = stage.login.user, request.POST.get("kept", "")
    if not stage.is_good:
        clear_login(request)
        return refusal_page(request, SignInRefused(CHANGED))
    form = FactorForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return second_factor_page(request, user, form=form, kept=kept)
    try:
        request.shown_factors = [show_factor(request, user, form)]
    except SignInRefused as refused:
        if refused.lock is not None:
            return locked_page(request, refused.lock, kept)
        form.add_error(None, str(refused))
        return second_factor_page(request, user, form=form, kept=kept)
    was_kept = unsealed(request)
    try:
        answer = stage.exit()
    except SignInRefused as refused:
        return refusal_page(request, refused)
    return arrived(request, answer, was_kept)


def second_factor_page(request, user: User, *, form: FactorForm | None = None, kept: str = "") -> HttpResponse:
    """In the dialog of a page that somebody signs in on top of, or on a page of its own."""
    if request.session.session_key is None:
        # What a browser is asked is for this session alone.
        request.session.create()
    template = "accounts/_second_factor_form.html" if request.htmx else "accounts/second_factor.html"
    answer = render(request, template, {
        "form": form or FactorForm(), "kept": kept, "question": question_for(request, user),
        "has_app": any(each.kind == APP for each in factors_of(user))})
    answer.headers["Cache-Control"] = "no-store"
    return answer
