"""Provisioning > Accounts > Sign-in: how single sign-on and the directory are set up, of whom a
second factor is required."""

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from provisioning.accounts.forms.sign_in_settings import DirectoryForm, PolicyForm
from provisioning.accounts.rules.factors import GRACE
from provisioning.accounts.selectors import single_sign_on
from provisioning.accounts.selectors.factors import policy as policy_now
from provisioning.accounts.services import ways_in
from provisioning.accounts.services.directory_trial import tried
from provisioning.core.permissions import USERS, actor_of
from provisioning.errors import Refused
from provisioning.states import FactorsOf
from provisioning.web.answers import dialog
from provisioning.web.pages import carry_out, page, refuse, show

from .confirmed import confirmed

NO_PROVIDER = "Single sign-on is not set up here (PAIRWISE_OIDC_URL, PAIRWISE_OIDC_CLIENT_ID)."


@require_safe
@page()
def settings_page(request):
    console = policy_now()
    return show(request, "accounts/sign_in_settings.html", {
        "sso": single_sign_on.sign_in_by(), "issuer": settings.PAIRWISE_OIDC_URL,
        "client_id": settings.PAIRWISE_OIDC_CLIENT_ID, "has_secret": bool(settings.PAIRWISE_OIDC_CLIENT_SECRET),
        "scopes": settings.PAIRWISE_OIDC_SCOPES, "claim": settings.PAIRWISE_OIDC_GROUPS_CLAIM,
        "roles": single_sign_on.roles_shown(settings.PAIRWISE_OIDC_ROLES),
        "directory": _directory(), "directory_roles": single_sign_on.roles_shown(settings.PAIRWISE_LDAP_ROLES),
        "back_to": _callback(request),
        "factors_of": FactorsOf(console.factors_of).label, "factors_since": console.factors_since,
        "is_required": console.factors_of != FactorsOf.NOBODY, "grace": GRACE.days})


def _directory() -> list[tuple[str, str]]:
    """(label, value) of its settings, nothing where there is none."""
    if not settings.PAIRWISE_LDAP_URL:
        return []
    return [("Server", settings.PAIRWISE_LDAP_URL), ("Asked as", settings.PAIRWISE_LDAP_BIND_DN or "anonymously"),
            ("Users below", settings.PAIRWISE_LDAP_USERS), ("A user is found by", settings.PAIRWISE_LDAP_USER_FILTER),
            ("Groups below", settings.PAIRWISE_LDAP_GROUPS), ("Type of groups", settings.PAIRWISE_LDAP_GROUP_TYPE)]


def _callback(request) -> str:
    address = f"{reverse('login')}oidc/callback/"
    base = settings.PAIRWISE_CONSOLE_URL
    return f"{base}{address}" if base else request.build_absolute_uri(address)


@require_http_methods(["GET", "HEAD", "POST"])
@page(USERS)
@confirmed
def policy(request):
    """Choose of whom a second factor is required."""
    stored, back = policy_now().factors_of, reverse("sign-in-settings")
    form = PolicyForm(request.POST or None, initial={"factors_of": stored, "seen": stored})
    if form.is_bound and form.is_valid():
        return carry_out(
            request, lambda: ways_in.require_factors(actor=actor_of(request), **form.cleaned_data), back=back,
            to=lambda _: back, said=lambda _: "It was saved of whom a second factor is required.")
    return dialog(request, "accounts/policy.html", "Second factor", {
        "form": form, "back": back, "grace": GRACE.days}, status=422 if form.is_bound else 200)


@require_POST
@page(USERS)
def ask(request):
    """Ask the provider of single sign-on whether all is well."""
    wrong = single_sign_on.wrong_at_the_provider() if single_sign_on.is_set_up() else [NO_PROVIDER]
    for sentence in wrong:
        messages.error(request, sentence)
    if not wrong:
        messages.success(request, "The provider of single sign-on answers, and what it says of itself fits.")
    return redirect("sign-in-settings")


@require_http_methods(["GET", "HEAD", "POST"])
@page(USERS)
def directory(request):
    """Look for somebody in the directory: their groups, and the roles that follow."""
    form, found = DirectoryForm(request.POST if request.method == "POST" else None), None
    if form.is_bound and form.is_valid():
        try:
            found = tried(actor=actor_of(request), **form.cleaned_data)
        except Refused as error:
            refuse(form, error)
    return dialog(request, "accounts/directory.html", "Test the directory", {
        "form": form, "found": found, "groups": sorted(found.entry.groups or ()) if found else (),
        "roles": sorted(found.roles or ()) if found else (), "back": reverse("sign-in-settings")},
        status=422 if form.errors else 200)
