"""People: sign in, sign out, change the password, choose how the console looks."""

import json

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.accounts.forms.sign_in import PasswordForm, SignInForm
from provisioning.accounts.rules.sign_in import minutes_left
from provisioning.accounts.selectors.users import get_person
from provisioning.accounts.services.sign_in import signed_out_by
from provisioning.accounts.services.users import change_own_password
from provisioning.core.permissions import actor_of, origin_of
from provisioning.states import Role
from provisioning.web.answers import say
from provisioning.web.kept import kept_page, unsealed
from provisioning.web.requests import Request

from .one_sign_in import MUST_CHANGE, must_change
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
        return super().get_context_data(**more, kept=self.request.POST.get("kept", ""),
                                        asked_for=self.get_redirect_url() not in ("", reverse("home")))

    def form_valid(self, form):
        kept = unsealed(self.request)
        answer = super().form_valid(form)
        if get_person(form.get_user().pk).must_change_password:
            self.request.session[MUST_CHANGE] = True
        if self.request.htmx:
            return signed_in(self.request)
        return answer if kept is None else kept_page(
            self.request, kept, heading="You are signed in again",
            sentence="Your session had ended when you sent the form.", choose_first=must_change(self.request))

    def form_invalid(self, form):
        if form.lock is None:
            return super().form_invalid(form)
        now = timezone.now()
        answer = say(self.request, form.lock.words, 429) if self.request.htmx else render(
            self.request, "accounts/locked.html", {
                "lock": form.lock, "minutes": minutes_left(form.lock.until, now),
                "kept": self.request.POST.get("kept", "")}, status=429)
        answer.headers["Retry-After"] = str(max(1, int((form.lock.until - now).total_seconds())))
        return answer


def signed_in(request) -> HttpResponse:
    """For the dialog that signed somebody in on top of a page, whose forms need the new token."""
    told = {"token": get_token(request), "name": request.user.get_username(), "must_change": must_change(request)}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"signed-in": told})})


@require_POST
def sign_out(request):
    """End this session, and what is open with it."""
    actor = actor_of(request)
    answer = auth_views.LogoutView.as_view()(request)
    signed_out_by(actor=actor)
    return answer


@by_form
class ChangePassword(auth_views.PasswordChangeView):
    template_name = "accounts/password_change.html"
    form_class = PasswordForm
    success_url = reverse_lazy("home")

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
        "person": person, "heading": roles, "verbs": words_of(person.roles)})


@require_safe
def home(request):
    """Who runs what others configure begins with how it is."""
    roles = actor_of(request).roles
    return redirect("monitoring" if Role.OPERATOR in roles and Role.ADMINISTRATOR not in roles else "application-list")
