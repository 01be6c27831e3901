"""Who may take what from whom: there is always an Administrator left, and nobody locks himself out."""

from collections.abc import Collection
from dataclasses import dataclass

from provisioning.states import Role, SignInSource


@dataclass(frozen=True, kw_only=True)
class UserFacts:
    """``other_administrators``: how many other users have that role and may sign in; ``other_local_administrators``:
    how many of these with a password of Pairwise. ``source``: of SignInSource."""

    name: str
    roles: frozenset[str]
    is_enabled: bool
    is_self: bool
    other_administrators: int
    other_local_administrators: int = 0
    source: str = ""


KEEP_ONE = ("Keep one who can sign in while the provider of single sign-on or the directory does not answer, and whose "
            "role nobody there takes away.")


def _why_not_lose(facts: UserFacts, what: str) -> str:
    """Why an Administrator cannot lose ``what``; "" for others."""
    if Role.ADMINISTRATOR not in facts.roles:
        return ""
    if facts.is_self:
        return f"You cannot {what} yourself. Ask another Administrator."
    if facts.is_enabled and not facts.other_administrators:
        return (f"{facts.name} is the only Administrator who may sign in. Give the role to somebody else first.")
    if facts.is_enabled and facts.source == SignInSource.LOCAL and not facts.other_local_administrators:
        return f"{facts.name} is the only Administrator with a password. {KEEP_ONE}"
    return ""


def why_not_roles(facts: UserFacts, roles: Collection[str]) -> str:
    """Why the user cannot have exactly ``roles``; "" when that is fine."""
    if not roles:
        return "Choose at least one role. Disable a user who may do nothing any more."
    if Role.ADMINISTRATOR in roles:
        return ""
    return _why_not_lose(facts, "take the role Administrator from")


def why_not_disable(facts: UserFacts) -> str:
    """Why the user cannot be disabled; "" when that is fine."""
    if facts.is_self:
        return "You cannot disable yourself. Ask another Administrator."
    return _why_not_lose(facts, "disable")


WHOSE_ROLES = {SignInSource.OIDC: "the provider of single sign-on", SignInSource.LDAP: "the directory"}


def why_not_roles_of(source: str) -> str:
    """Why nobody edits the roles of a user who signs in elsewhere; "" for one of Pairwise alone."""
    if source == SignInSource.LOCAL:
        return ""
    return (f"The roles of this user follow from the groups at {WHOSE_ROLES[SignInSource(source)]} at each sign-in: "
            "change the groups there.")


def why_not_password(source: str) -> str:
    """Why a user has no password here that could be reset; "" for one of Pairwise alone."""
    if source == SignInSource.LOCAL:
        return ""
    return (f"This user has no password here: {WHOSE_ROLES[SignInSource(source)]} says who it is. An Administrator "
            "unlinks the user first, to give it a password of Pairwise.")


def why_not_link(facts: UserFacts) -> str:
    """Why the user cannot be linked to single sign-on; "" when that is fine."""
    if facts.source != SignInSource.LOCAL:
        return f"{facts.name} does not sign in with a password of Pairwise."
    if facts.is_self:
        return "You cannot link yourself. Ask another Administrator: somebody must be able to sign in with a password."
    if Role.ADMINISTRATOR in facts.roles and not facts.other_local_administrators:
        return f"{facts.name} is the only Administrator with a password. {KEEP_ONE}"
    return ""
