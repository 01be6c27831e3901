"""What the groups of a provider of single sign-on make of a user here. Pure.

There are three cases of the claim that names the groups:

* it is there and names groups that have a role here: the user gets exactly these roles.
* it is there and names none that has one: the user is not let in and loses all roles.
* it is not there, or the provider could not be asked: nothing is known, so the roles stay as they are.

Groups that have no role here are never looked at, so a provider cannot make up roles.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard
from urllib.parse import urlsplit

from provisioning.states import Role

NAME_CLAIMS = ("preferred_username", "upn", "email", "sub")
"""What a new user is called: the first of these claims that there is."""
ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri")
"""What a provider has to say of itself."""
HOW_ROLES = "Write it as group=Role with commas between them: pairwise-admins=Administrator,noc=Operator"


class BadRoles(ValueError):
    """What should say which role a group gives cannot be read; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who somebody is at the provider ``issuer``, which calls them ``subject`` for ever. ``groups`` None: it did not
    say; ``why_unknown`` says why, in a sentence."""

    issuer: str
    subject: str
    name: str
    groups: frozenset[str] | None
    why_unknown: str = ""


def role_map(text: str) -> dict[str, str]:
    """{group: role}. Raises BadRoles."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        group, separator, role = (part.strip() for part in pair.rpartition("="))
        if not separator or not group:
            raise BadRoles(f'"{pair}" names no role')
        if role not in Role.values:
            raise BadRoles(f'"{role}" is no role (roles are {", ".join(Role.values)})')
        if found.setdefault(group, role) != role:
            raise BadRoles(f'the group "{group}" has two roles: make a group for each')
    return found


def roles_for(groups: Collection[str] | None, roles: Mapping[str, str]) -> frozenset[str] | None:
    """The roles that follow; empty for who is not to be let in, None where nothing is known."""
    return None if groups is None else frozenset(roles[group] for group in groups if group in roles)


def groups_in(claims: Mapping[str, Any], claim: str) -> frozenset[str] | None:
    """The groups that ``claims`` name; None where the claim is not there or is nothing that names groups."""
    value = claims.get(claim)
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return frozenset(value)
    return None


def name_in(claims: Mapping[str, Any]) -> str:
    """An address of mail that its provider has not looked at may be anybody's, so it names nobody."""
    is_verified = claims.get("email_verified") in (True, "true")
    return next((value for name in NAME_CLAIMS if is_text(value := claims.get(name))
                 and (name != "email" or is_verified)), "")


def is_text(value: Any) -> TypeGuard[str]:
    """Whether it is a text that can be stored and read: some provider lets its people write what they like."""
    return isinstance(value, str) and bool(value) and value.isprintable()


def is_address(value: Any, *, issuer: str) -> TypeGuard[str]:
    """Whether somebody can be sent there, or secrets: it is as safe as that of the issuer itself."""
    if not is_text(value):
        return False
    try:
        where = urlsplit(value)
    except ValueError:
        return False
    return bool(where.hostname) and where.scheme in ("https", urlsplit(issuer).scheme)


def identity_in(claims: Mapping[str, Any], *, issuer: str, claim: str, why_unknown: str = "") -> Identity:
    """``why_unknown``: what kept the provider from being asked for all that it knows, "" for nothing."""
    groups = groups_in(claims, claim)
    why = "" if groups is not None else why_unknown or f'the claim "{claim}" is not there'
    return Identity(issuer=issuer, subject=str(claims.get("sub", "")), name=name_in(claims), groups=groups,
                    why_unknown=why)


def wrong_in_discovery(document: Any, *, issuer: str) -> list[str]:
    """What keeps single sign-on from working with a provider that describes itself by ``document``, in sentences."""
    if not isinstance(document, dict):
        return ["What it answers is no description of a provider (a JSON object is expected)."]
    found = []
    if (said := document.get("issuer")) != issuer:
        found.append(f'It calls itself "{said}", and PAIRWISE_OIDC_URL says "{issuer}": write the setting as it does.')
    found += [f'It does not say its "{name}".' for name in ADDRESSES if not isinstance(document.get(name), str)]
    found += [f'Its "{name}" is {value!r}, which is no address with https://.' for name in (
        *ADDRESSES, "userinfo_endpoint") if isinstance(value := document.get(name), str)
        and not is_address(value, issuer=issuer)]
    methods = document.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        found.append("It does not take PKCE with S256, which Pairwise always uses.")
    return found
