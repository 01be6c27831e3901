"""Users: who may sign in, with which roles; what an Administrator does about them."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from provisioning.accounts.forms.users import ChangedRolesForm, NewUserForm, UserFilter
from provisioning.accounts.rules.users import (
    UserFacts,
    why_not_disable,
    why_not_link,
    why_not_password,
    why_not_roles_of,
)
from provisioning.accounts.selectors import users as selector
from provisioning.accounts.selectors.factors import has_factor, kinds_of
from provisioning.accounts.selectors.sign_ins import locked_places
from provisioning.accounts.selectors.single_sign_on import sign_in_by
from provisioning.accounts.selectors.users import Person
from provisioning.accounts.services import users as services
from provisioning.accounts.services import ways_in
from provisioning.core.permissions import USERS, VERBS, actor_of, sentence_for, verbs_of
from provisioning.errors import Conflict, Refused
from provisioning.web.answers import dialog, done, refused, safe_address
from provisioning.web.lists import leave_for, onward
from provisioning.web.pages import carry_out, page, refuse, show
from provisioning.web.tables import Column, Table, page_of

from .confirmed import confirmed

TABLE = Table(tuple(Column(label) for label in ("User name", "Roles", "Last sign-in", "Sign-in", "State")))


@dataclass(frozen=True)
class Verb:
    """``asks`` says what follows for the user {name}; ``said`` what was done."""

    label: str
    asks: str
    said: str
    work: Callable[..., User]
    danger: bool = False


def _set_enabled(enabled: bool) -> Callable[..., User]:
    return lambda **whom: services.set_enabled(enabled=enabled, **whom)


VERBS_OF_USERS = {
    "disable": Verb("Disable", "{name} is signed out at once and cannot sign in until somebody enables the user again. "
                    "Jobs that {name} started go on.", "{name} was disabled.", _set_enabled(False), danger=True),
    "enable": Verb("Enable", "{name} may sign in again, with the roles and the password from before.",
                   "{name} was enabled.", _set_enabled(True)),
    "unlock": Verb("Unlock", "{name} may try to sign in again at once.", "{name} was unlocked.",
                   services.unlock),
    "link": Verb("Link", "Whoever signs in by single sign-on as {name} within 24 hours becomes this user, with the "
                 "roles of the groups there. {name} is signed out at once and the password is gone.",
                 "{name} was linked.", ways_in.link, danger=True),
    "unlink": Verb("Unlink", "{name} is signed out at once and does not sign in elsewhere any more. Roles stay as they "
                   "are; Reset Password gives a password.", "{name} was unlinked.", ways_in.unlink, danger=True),
    "factors": Verb("Reset Second Factors", "All second factors of {name} and the recovery codes are no longer good, "
                    "and {name} is signed out at once.", "The second factors of {name} were reset.",
                    ways_in.reset_factors, danger=True),
}


@require_safe
@page()
def user_list(request):
    form = UserFilter(request.GET)
    found = page_of(selector.user_list(**form.chosen()), request.GET)
    return show(request, "accounts/users.html", {
        "form": form, "page": found, "people": selector.people(found), "header": TABLE.header("", request.GET.dict()),
        "locked_places": locked_places(timezone.now()), "total": User.objects.count()})


@require_safe
@page()
def user_detail(request, pk):
    person = selector.get_person(pk)
    return show(request, "accounts/user.html", {
        "person": person, "locked_places": locked_places(timezone.now()), "sso": sign_in_by(),
        "factors": kinds_of([pk]).get(pk, ""), "why_not": _why_not(request, person), "verbs": words_of(person.roles)})


def words_of(roles) -> dict[str, list[str]]:
    """{"can": what these roles let somebody do, "cannot": the rest}, in words."""
    held = verbs_of(roles)
    return {"can": [words for verb, words in VERBS.items() if verb in held],
            "cannot": [words for verb, words in VERBS.items() if verb not in held]}


def _why_not(request, person: Person) -> dict[str, str]:
    """{verb of this page: why it cannot be used now}."""
    actor = actor_of(request)
    if not actor.may(USERS):
        return dict.fromkeys(("roles", "reset", "token", *VERBS_OF_USERS), sentence_for(USERS))
    facts = selector.facts_of(person.user, asked_by=actor.user_id)
    return {"disable": why_not_disable(facts), "roles": why_not_roles_of(facts.source),
            "reset": services.NO_PASSWORDS if person.is_service else why_not_password(facts.source),
            "unlock": "" if person.locked_until else f"{person.name} is not locked.",
            "link": why_not_link(facts) if sign_in_by() else "Single sign-on is not set up here (PAIRWISE_OIDC_URL).",
            "unlink": "" if facts.source else f"{person.name} signs in with a password of Pairwise already.",
            "factors": _why_not_factors(person, facts)}


def _why_not_factors(person: Person, facts: UserFacts) -> str:
    if facts.is_self:
        return "Remove your own second factors in Your account."
    return "" if has_factor(person.user) else f"{person.name} has no second factor."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(USERS)
@confirmed
@sensitive_variables("password")
def user_new(request):
    form = NewUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user, password = services.create_user(actor=actor_of(request), **form.cleaned_data)
        except Refused as error:
            refuse(form, error)
        else:
            return _show_password(request, user, password, f"{user} was created")
    return dialog(request, "accounts/user_form.html", "New user", {
        "form": form, "address": reverse("user-new"), "back": leave_for(request, "user-list"), "label": "Create"},
        status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(USERS)
@confirmed
def user_roles(request, pk):
    person, back = selector.get_person(pk), onward(request, "user-detail", pk)
    form, conflict = ChangedRolesForm.of(person.roles, request.POST if request.method == "POST" else None), None
    if form.is_bound and form.is_valid():
        try:
            services.set_roles(actor=actor_of(request), user_id=pk, **form.cleaned_data)
        except Refused as error:
            refuse(form, error)
        except Conflict as error:
            # Sent once more it is known what is stored.
            conflict = error
            form.has_seen(person.roles)
        else:
            messages.success(request, f"The roles of {person.name} were saved.")
            return done(request, back, leave=True)
    return dialog(request, "accounts/user_form.html", f"Roles of {person.name}", {
        "form": form, "address": reverse("user-roles", args=[pk]), "back": back, "label": "Save",
        "conflict": conflict}, status=409 if conflict else 422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@page(USERS)
@confirmed
def user_verb(request, pk, verb: str):
    """Ask first, naming who is hit and what follows; then do it."""
    person, what, back = selector.get_person(pk), VERBS_OF_USERS[verb], onward(request, "user-detail", pk)
    if request.method != "POST":
        return dialog(request, "accounts/ask.html", f"{what.label} {person.name}?", {
            "asks": what.asks.format(name=person.name) + (_goes_on() if verb == "unlock" else ""),
            "label": f"{what.label} {person.name}", "danger": what.danger,
            "why": _why_not(request, person).get(verb, ""), "back": back,
            "address": reverse(f"user-{verb}", args=[pk])})
    return carry_out(request, lambda: what.work(actor=actor_of(request), user_id=pk), back=back, to=lambda user: back,
                     said=lambda user: what.said.format(name=user) + (_goes_on() if verb == "unlock" else ""))


@require_http_methods(["GET", "HEAD", "POST"])
@page(USERS)
@confirmed
def address_unlock(request):
    """Ask first; then end the lock of the address that the request names."""
    address = request.GET.get("address", "")
    back = safe_address(request, request.GET.get("next", ""), reverse("user-list"))
    if request.method != "POST":
        lock = dict(locked_places(timezone.now())).get(address)
        return dialog(request, "accounts/ask.html", f"Unlock the address {address}?", {
            "asks": f"Whoever is at {address} may try to sign in again at once, as any name.",
            "label": f"Unlock {address}", "why": "" if lock else f'The address "{address}" is not locked.',
            "back": back, "address": f"{reverse('address-unlock')}?{urlencode({'address': address, 'next': back})}"})
    return carry_out(request, lambda: services.unlock_address(actor=actor_of(request), address=address), back=back,
                     to=lambda place: back, said=lambda place: f"The address {place} was unlocked.")


def _goes_on() -> str:
    """"" or a sentence that says which locks an Unlock of a user does not end."""
    locks = locked_places(timezone.now())
    if not locks:
        return ""
    places = ", ".join(f"{place} until {lock.until:%H:%M} UTC" for place, lock in locks)
    return f" Still locked for all who are new there: {places}. Unlock Address on Users ends that."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@page(USERS)
@confirmed
@sensitive_variables("password")
def user_reset(request, pk):
    """Ask first; then show the password that is good for one sign-in. It is stored nowhere and not shown again."""
    person = selector.get_person(pk)
    if request.method == "POST":
        try:
            user, password = services.reset_password(actor=actor_of(request), user_id=pk)
        except Refused as error:
            return refused(request, error, onward(request, "user-detail", pk))
        return _show_password(request, user, password, f"The password of {user} was reset")
    return dialog(request, "accounts/ask.html", f"Reset the password of {person.name}?", {
        "asks": f"The current password of {person.name} is no longer good, and {person.name} is signed out everywhere. "
                "You are shown a password for one sign-in within 24 hours, then a new one must be set.",
        "label": "Reset Password", "why": why_not_password(person.source), "danger": True,
        "back": onward(request, "user-detail", pk),
        "address": reverse("user-reset", args=[pk])})


def _show_password(request, user: User, password: str, title: str):
    return dialog(request, "accounts/password.html", title, {
        "name": user.get_username(), "password": password, "back": onward(request, "user-detail", user.pk)})
