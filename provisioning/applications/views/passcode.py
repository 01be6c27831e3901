"""A passcode for a client of a Message Server, made beside its options."""

from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from protocol.client_logins import CLIENTS
from provisioning.applications.forms.passcode import LoginForm
from provisioning.applications.rules import passcodes
from provisioning.core.permissions import CONFIGURE
from provisioning.errors import Refused
from provisioning.web.answers import dialog
from provisioning.web.pages import page, refuse


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(CONFIGURE)
@sensitive_variables("made")
def passcode(request):
    """Ask for the login; then show the passcode, once. Nothing is saved: its entry goes into the options by hand."""
    form = LoginForm(request.POST if request.method == "POST" else None)
    back = reverse("application-list")
    if form.is_bound and form.is_valid():
        try:
            made = passcodes.make(form.cleaned_data["login"])
        except Refused as error:
            refuse(form, error)
        else:
            return dialog(request, "applications/passcode_made.html", f"Passcode of {made.login}", {
                "made": made, "section": CLIENTS, "back": back})
    return dialog(request, "applications/passcode_new.html", "Make a passcode", {"form": form, "back": back},
                  status=422 if form.is_bound else 200)
