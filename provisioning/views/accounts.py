"""People: sign in, sign out, change the password, choose how the console looks."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.forms.accounts import PasswordForm, SignInForm
from provisioning.views.answers import safe_address
from provisioning.views.context import CHOICES

YEAR_S = 365 * 24 * 3600
by_form = method_decorator(require_http_methods(["GET", "HEAD", "POST"]), name="dispatch")


@by_form
class SignIn(auth_views.LoginView):
    """The login page; lockout after AXES_FAILURE_LIMIT failures is django-axes'."""

    template_name = "registration/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


@by_form
class ChangePassword(auth_views.PasswordChangeView):
    template_name = "registration/password_change.html"
    form_class = PasswordForm
    success_url = reverse_lazy("home")

    def form_valid(self, form):
        messages.success(self.request, "Your password was changed. Other sessions of yours were signed out.")
        return super().form_valid(form)


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
