"""API tokens: those of whoever is signed in, and for Administrators all of them and service accounts."""

from collections.abc import Callable

from django.contrib import messages
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.accounts.forms.tokens import NewTokenForm, TokenFilter, TokenForm
from provisioning.accounts.rules.tokens import Draft
from provisioning.accounts.selectors import tokens as selector
from provisioning.accounts.selectors.users import get_person
from provisioning.accounts.services import tokens as services
from provisioning.accounts.services.service_accounts import make_service_token
from provisioning.core.permissions import USERS, actor_of
from provisioning.errors import Conflict, Refused
from provisioning.models import ApiToken
from provisioning.states import Role
from provisioning.web.answers import dialog, done
from provisioning.web.lists import leave_for, list_name, onward, opened_from
from provisioning.web.pages import carry_out, page, refuse, show
from provisioning.web.tables import Column, Table, page_of

from .confirmed import confirmed

TABLE = Table(tuple(map(Column, ("Name", "Owner", "May", "State", "Expires", "Last Used"))))
Made = tuple[ApiToken, str]


@require_safe
@page()
def account_tokens(request):
    """One's own."""
    actor = actor_of(request)
    rows = selector.token_list(actor, owner_id=actor.user_id)
    return show(request, "accounts/account_tokens.html", {"rows": _with_states(rows), "topic": selector.TOPIC})


@require_safe
@page(USERS)
def token_list(request):
    form = TokenFilter(request.GET)
    rows = page_of(selector.token_list(actor_of(request), **form.chosen()), request.GET)
    return show(request, "accounts/tokens.html", {
        "form": form, "page": rows, "rows": _with_states(rows), "header": TABLE.header("", request.GET.dict()),
        "topic": selector.TOPIC, "total": ApiToken.objects.count()})


def _with_states(rows) -> list[tuple]:
    return [(row, selector.state_of(row)) for row in rows]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page()
@confirmed
@sensitive_variables("made")
def token_new(request):
    """One's own; it is shown once."""
    actor = actor_of(request)
    person = get_person(actor.user_id or 0)
    return _made(request, person.roles, reverse("account-tokens"), "New API token",
                 lambda draft: services.make_token(actor=actor, owner=person.user, draft=draft))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(USERS)
@confirmed
def service_new(request):
    """A service account with its first token, which is shown once."""
    actor = actor_of(request)
    return _made(request, tuple(Role.values), leave_for(request, "apitoken-list"), "New service account",
                 lambda draft: make_service_token(actor=actor, draft=draft), service=True)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(USERS)
@confirmed
def user_token(request, pk: int):
    """One more token of a service account."""
    actor, person = actor_of(request), get_person(pk)
    return _made(request, person.roles, onward(request, "user-detail", pk), f"New API token of {person.name}",
                 lambda draft: services.make_token(actor=actor, owner=person.user, draft=draft))


@sensitive_variables("text")
def _made(request, roles, back: str, title: str, make: Callable[[Draft], Made], *, service: bool = False):
    form = NewTokenForm(request.POST if request.method == "POST" else None, roles=roles,
                        may_never_expire=actor_of(request).may(USERS))
    if form.is_bound and form.is_valid():
        try:
            row, text = make(form.draft())
        except Refused as error:
            refuse(form, error)
        else:
            return dialog(request, "accounts/token_made.html", f"API token {row}", {
                "row": row, "text": text, "back": back, "address": request.build_absolute_uri("/")})
    return dialog(request, "accounts/token_new.html", title, {
        "form": form, "address": request.path, "back": back, "service": service},
        status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page()
@confirmed
def token_edit(request, pk: int):
    actor, conflict = actor_of(request), None
    row = selector.get_token(pk, actor)
    back, form = _back(request, row), TokenForm.of(row, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            services.change_token(actor=actor, token_id=pk, **form.cleaned_data)
        except Refused as error:
            refuse(form, error)
        except Conflict as error:
            # Sent once more it is known what is stored.
            conflict = error
            form.has_seen(error.revision)
        else:
            messages.success(request, f"The token {row} was saved.")
            return done(request, back, leave=True)
    return dialog(request, "accounts/token_form.html", f"API token {row}", {
        "form": form, "row": row, "state": selector.state_of(row), "conflict": conflict, "back": back,
        "address": reverse("apitoken-edit", args=[pk])}, status=409 if conflict else 422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def token_revoke(request, pk: int):
    """Ask first, saying when it was used last; then revoke it."""
    actor = actor_of(request)
    row = selector.get_token(pk, actor)
    back = _back(request, row)
    if request.method != "POST":
        return dialog(request, "accounts/token_revoke.html", f"Revoke the API token {row}?", {"row": row, "back": back})
    return carry_out(request, lambda: services.revoke_token(actor=actor, token_id=pk), back=back,
                     to=lambda row: back, said=lambda row: f"The token {row} was revoked.")


def _back(request, row: ApiToken) -> str:
    """The list of all tokens for who came from there, or looks at one of somebody else."""
    is_own = row.owner_id == actor_of(request).user_id
    if is_own and list_name(opened_from(request)) != "apitoken-list":
        return reverse("account-tokens")
    return leave_for(request, "apitoken-list")
