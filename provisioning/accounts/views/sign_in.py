"""People: sign in, sign out, change the password, choose how the console looks."""

import json

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.accounts.forms.sign_in import PasswordForm, SignInForm
from provisioning.accounts.rules.users import why_not_password
from provisioning.accounts.selectors.factors import factors_of, is_required
from provisioning.accounts.selectors.single_sign_on import end_of_session, sign_in_by
from provisioning.accounts.selectors.users import get_person, source_of
from provisioning.accounts.services.sign_in import SignInRefused, signed_out_by
from provisioning.accounts.services.users import change_own_password
from provisioning.core.permissions import actor_of, origin_of
from provisioning.states import Role
from provisioning.web.kept import Kept, kept_page, unsealed
from provisioning.web.requests import Request

from .one_sign_in import BY_PROVIDER, MUST_CHANGE, factor_from, must_change
from .refusal import locked_page, onward_page
from .users import words_of

by_form = method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")


@by_form
class SignIn(auth_views.LoginView):
    """The sign-in page; who is let in is decided by ``accounts.services.sign_in``."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    request: Request

    def get_template_names(self):
        return ["accounts/_sign_in_form.html"] if self.request.htmx else super().get_template_names()

    def get_context_data(self, **more):
        # Who opens the bare address is led on to a page, but has asked for none.
        return super().get_context_data(**more, kept=self.request.POST.get("kept", ""), sso=sign_in_by(),
                                        asked_for=self.get_redirect_url() not in ("", reverse("home")))

    def form_valid(self, form):
        try:
            return _entered(self.request, form.get_user(), self.get_success_url())
        except SignInRefused as refused:
            form.refuse(refused)
            return self.form_invalid(form)

    def form_invalid(self, form):
        if form.lock is None:
            return super().form_invalid(form)
        return locked_page(self.request, form.lock, self.request.POST.get("kept", ""))


def _entered(request, user: User, address: str) -> HttpResponse:
    """The answer to whose password was right. Raises SignInRefused."""
    # Only who is let in needs it, and not every process that knows these addresses.
    from .entry import enter
    from .second_factor import second_factor_page

    kept = unsealed(request)
    answer = enter(request, user, address)
    if request.user.is_authenticated:
        return arrived(request, answer, kept)
    return second_factor_page(request, user, kept=request.POST.get("kept", ""))


def arrived(request, answer: HttpResponse, kept: Kept | None) -> HttpResponse:
    """The answer to who has just got a session: ``answer`` leads on, unless the dialog of a page asked, or a form was
    ``kept`` meanwhile."""
    if request.htmx:
        return signed_in(request)
    return answer if kept is None else kept_page(
        request, kept, heading="You are signed in again",
        sentence="Your session had ended when you sent the form.", choose_first=must_change(request))


def signed_in(request) -> HttpResponse:
    """For the dialog that signed somebody in on top of a page, whose forms need the new token."""
    told = {"token": get_token(request), "name": request.user.get_username(), "must_change": must_change(request)}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"signed-in": told})})


@require_POST
def sign_out(request):
    """End this session, and what is open with it; who came by single sign-on goes on to end the one there."""
    actor, by_provider = actor_of(request), request.session.get(BY_PROVIDER)
    answer = auth_views.LogoutView.as_view()(request)
    signed_out_by(actor=actor)
    if by_provider and (address := end_of_session(request.build_absolute_uri(reverse("login")))):
        return onward_page(request, address)
    return answer


@by_form
class ChangePassword(auth_views.PasswordChangeView):
    template_name = "accounts/password_change.html"
    form_class = PasswordForm
    success_url = reverse_lazy("home")

    def dispatch(self, request, *args, **kwargs):
        if why := why_not_password(source_of(request.user)):
            messages.error(request, why)
            return redirect("account")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **more):
        return super().get_context_data(**more, must_change=must_change(self.request))

    def get_form_kwargs(self):
        return {**super().get_form_kwargs(), "origin": origin_of(self.request)}

    def form_valid(self, form):
        user = change_own_password(actor=actor_of(self.request), password=form.cleaned_data["new_password1"],
                                   session_key=self.request.session.session_key)
        update_session_auth_hash(self.request, user)
        self.request.session.pop(MUST_CHANGE, None)
        messages.success(self.request, "Your password was changed. Other sessions of yours were signed out.")
        return redirect(self.get_success_url())


@require_safe
def account(request):
    """Who somebody is here: roles, and what they let one do and not."""
    person = get_person(request.user.pk)
    roles = f"Your role{'s' if len(person.roles) > 1 else ''}: {', '.join(person.roles) or 'none'}"
    return render(request, "accounts/account.html", {
        "person": person, "heading": roles, "verbs": words_of(person.roles), "factors": factors_of(request.user),
        "is_required": is_required(request.user), "factor_from": factor_from(request),
        "has_password": not person.source})


@require_safe
def home(request):
    """Who runs what others configure begins with how it is."""
    roles = actor_of(request).roles
    return redirect("monitoring" if Role.OPERATOR in roles and Role.ADMINISTRATOR not in roles else "application-list")
