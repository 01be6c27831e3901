"""Who may take what from whom: there is always an Administrator left, and nobody locks himself out."""

from collections.abc import Collection
from dataclasses import dataclass

from provisioning.states import Role


@dataclass(frozen=True, kw_only=True)
class UserFacts:
    """``other_administrators``: how many other users have that role and may sign in."""

    name: str
    roles: frozenset[str]
    is_enabled: bool
    is_self: bool
    other_administrators: int


def _why_not_lose(facts: UserFacts, what: str) -> str:
    """Why an Administrator cannot lose ``what``; "" for others."""
    if Role.ADMINISTRATOR not in facts.roles:
        return ""
    if facts.is_self:
        return f"You cannot {what} yourself. Ask another Administrator."
    if facts.is_enabled and not facts.other_administrators:
        return (f"{facts.name} is the only Administrator who may sign in. Give the role to somebody else first.")
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
