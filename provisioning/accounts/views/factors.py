"""Your account: second factors of whoever is signed in. Recovery codes are shown once, when they are made."""

import base64

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from provisioning.accounts.forms.factors import AppForm, PasskeyForm
from provisioning.accounts.rules.factors import why_no_passkeys
from provisioning.accounts.selectors.factors import factors_of
from provisioning.accounts.services import factors, passkeys
from provisioning.core.permissions import actor_of
from provisioning.errors import Refused, WrongKey
from provisioning.keys import keys
from provisioning.web.answers import dialog, with_sentences
from provisioning.web.pages import carry_out, refuse

from .confirmed import confirmed
from .one_sign_in import FACTOR_FROM
from .shown_factor import host_of, session_of


def own(view):
    """Decorates a view of whoever is signed in, about what that person has: with a role or without one."""
    return require_http_methods(["GET", "HEAD", "POST"])(never_cache(with_sentences(confirmed(view))))


@own
@sensitive_variables()
def factor_app(request):
    """A secret for an authenticator app, which is kept once the app shows the right code."""
    form = AppForm(request.POST if request.method == "POST" else None)
    secret = _opened(request, request.POST.get("sealed", "")) or factors.new_secret()
    if form.is_bound and form.is_valid():
        try:
            codes = factors.add_app(actor=actor_of(request), secret=secret, code=form.cleaned_data["code"])
        except Refused as refused:
            refuse(form, refused)
        else:
            return _added(request, codes, "The authenticator app is set up")
    picture = base64.b64encode(factors.picture_of(request.user, secret).encode()).decode()
    return dialog(request, "accounts/factor_app.html", "Set up an authenticator app", {
        "form": form, "secret": secret, "sealed": _sealed(request, secret), "picture": picture,
        "back": reverse("account")}, status=422 if form.is_bound else 200)


@own
def factor_passkey(request):
    """A passkey of this browser, of a phone or of a security key."""
    why = why_no_passkeys(host_of(request), is_secure=request.is_secure())
    form = PasskeyForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            codes = passkeys.add_passkey(actor=actor_of(request), **form.cleaned_data, host=host_of(request),
                                         session=session_of(request))
        except Refused as refused:
            refuse(form, refused)
        else:
            return _added(request, codes, "The passkey is set up")
    return dialog(request, "accounts/factor_passkey.html", "Set up a passkey", {
        "form": form, "why": why, "back": reverse("account"), "question": None if why else passkeys.ask_to_create(
            user=request.user, host=host_of(request), session=session_of(request))},
        status=422 if form.is_bound else 200)


@own
def factor_codes(request):
    """Ask first; then show new recovery codes, which are shown only now."""
    if request.method == "POST":
        return _show_codes(request, factors.new_codes(actor=actor_of(request)), "New recovery codes")
    left = factors.codes_left(request.user)
    return dialog(request, "accounts/ask.html", "Make new recovery codes?", {
        "asks": f"The {left} that are left are no longer good then. New ones are shown once." if left else
                "They are shown once. Each is good for one sign-in in place of a second factor that is lost.",
        "why": "" if factors_of(request.user) else factors.FIRST_ONE, "label": "Make Codes",
        "back": reverse("account"), "address": reverse("factor-codes")})


@own
def factor_remove(request, pk):
    """Ask first; then remove it."""
    back = reverse("account")
    if request.method == "POST":
        return carry_out(request, lambda: factors.remove_factor(actor=actor_of(request), factor_id=pk), back=back,
                         to=lambda what: back, said=lambda what: f"{what[0].upper()}{what[1:]} was removed.")
    name = next((each.name for each in factors_of(request.user) if each.pk == pk), "")
    return dialog(request, "accounts/ask.html", f"Remove {name or 'it'}?", {
        "asks": f"{name or 'It'} is no longer good for signing in. If it is your only one, the recovery codes "
                "go with it.", "why": "" if name else factors.GONE, "label": "Remove", "danger": True, "back": back,
        "address": reverse("factor-remove", args=[pk])})


def _added(request, codes: list[str], title: str) -> HttpResponse:
    request.session.pop(FACTOR_FROM, None)
    return _show_codes(request, codes, title)


@sensitive_variables()
def _show_codes(request, codes: list[str], title: str) -> HttpResponse:
    return dialog(request, "accounts/recovery_codes.html", title, {
        "codes": "\n".join(codes), "back": reverse("account")})


@sensitive_variables()
def _sealed(request, secret: str) -> str:
    """``secret`` for a form of this user: nothing is stored before the code was right."""
    return keys().encrypt(f"{request.user.pk} {secret}")


def _opened(request, sealed: str) -> str:
    """The secret of a form that was shown to this user, "" for any other text."""
    try:
        user, _, secret = keys().decrypt(sealed).partition(" ")
    except WrongKey:
        return ""
    return secret if user == str(request.user.pk) else ""
