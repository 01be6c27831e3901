"""People: sign in, sign out, change the password, choose how the console looks."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.forms.accounts import PasswordForm, SignInForm
from provisioning.permissions import actor_of
from provisioning.selectors.users import get_person
from provisioning.services.users import own_password_changed
from provisioning.views.answers import safe_address
from provisioning.views.context import CHOICES
from provisioning.views.gate import MUST_CHANGE
from provisioning.views.users import words_of

YEAR_S = 365 * 24 * 3600
by_form = method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")


@by_form
class SignIn(auth_views.LoginView):
    """The login page; lockout after AXES_FAILURE_LIMIT failures is django-axes'."""

    template_name = "registration/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form):
        answer = super().form_valid(form)
        if get_person(form.get_user().pk).must_change_password:
            self.request.session[MUST_CHANGE] = True
        return answer


@by_form
class ChangePassword(auth_views.PasswordChangeView):
    template_name = "registration/password_change.html"
    form_class = PasswordForm
    success_url = reverse_lazy("home")

    def form_valid(self, form):
        answer = super().form_valid(form)
        own_password_changed(actor=actor_of(self.request))
        self.request.session.pop(MUST_CHANGE, None)
        messages.success(self.request, "Your password was changed. Other sessions of yours were signed out.")
        return answer


@require_safe
def account(request):
    """Who somebody is here: roles, and what they let one do and not."""
    person = get_person(request.user.pk)
    roles = f"Your role{'s' if len(person.roles) > 1 else ''}: {', '.join(person.roles) or 'none'}"
    return render(request, "registration/account.html", {
        "person": person, "heading": roles, "verbs": words_of(person.roles)})


@require_safe
def home(request):
    return redirect("application-list")


@login_not_required
@require_POST
def display(request):
    """Keep the chosen theme, size or tree in a cookie; a script gets 204, a plain form goes back where it was."""
    by_script = request.headers.get("X-Requested-With") == "fetch"
    answer = HttpResponse(status=204) if by_script else redirect(
        safe_address(request, request.POST.get("next", ""), reverse("home")))
    for name, values in CHOICES.items():
        if request.POST.get(name) in values:
            answer.set_cookie(f"pairwise_{name}", request.POST[name], max_age=YEAR_S, samesite="Lax",
                              httponly=True, secure=settings.SESSION_COOKIE_SECURE)
    return answer
