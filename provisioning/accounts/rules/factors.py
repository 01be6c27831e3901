"""Second factors: of whom one is required and from when; when somebody is asked again who they are. Pure."""

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioning.states import FactorsOf, Role, SignInSource

GRACE = timedelta(days=7)
"""So long those may go on without one of whom it is required."""
CONFIRMED_FOR = timedelta(minutes=5)
"""So long somebody who has just shown who they are may do what is dangerous."""
CODE_STEP_S = 30
CODE_STEPS_OFF = 1
"""A clock may be off by so many steps."""


@dataclass(frozen=True, kw_only=True)
class FactorFacts:
    """What is known of a user; ``since`` is when the user was made."""

    roles: frozenset[str]
    source: str
    has_factor: bool
    since: datetime


def is_required(factors_of: str, facts: FactorFacts) -> bool:
    """Whether a second factor is required of the user. Who signs in by single sign-on has that of the provider."""
    if facts.source == SignInSource.OIDC:
        return False
    return factors_of == FactorsOf.ALL or (
        factors_of == FactorsOf.ADMINISTRATORS and Role.ADMINISTRATOR in facts.roles)


def required_from(factors_of: str, since: datetime | None, facts: FactorFacts) -> datetime | None:
    """From when the user can do nothing else before a factor is set up; None when that is not to come."""
    if since is None or facts.has_factor or not is_required(factors_of, facts):
        return None
    return max(since, facts.since) + GRACE


def is_confirmed(at: datetime | None, now: datetime) -> bool:
    """Whether somebody who showed at ``at`` who they are need not do so again."""
    return at is not None and timedelta() <= now - at < CONFIRMED_FOR


def steps_at(now: datetime) -> list[int]:
    """The counters of a code that may be typed now, in the order in which they are likely."""
    step = int(now.timestamp()) // CODE_STEP_S
    return sorted(range(step - CODE_STEPS_OFF, step + CODE_STEPS_OFF + 1), key=lambda each: abs(each - step))


def plain_code(typed: str) -> str:
    """A code as it was made, however it was written down; "" for what can be none."""
    return "".join(typed.split()).replace("-", "") if typed.isascii() else ""


def words(kinds: Collection[str]) -> str:
    """What somebody has: "an authenticator app and 2 passkeys"; "" for nothing."""
    kinds = list(kinds)
    apps, keys = kinds.count("totp"), kinds.count("webauthn")
    parts = [*(["an authenticator app"] if apps else []),
             *([f"{keys} passkeys" if keys > 1 else "a passkey"] if keys else [])]
    return " and ".join(parts)


def why_no_passkeys(host: str, *, is_secure: bool) -> str:
    """Why a browser makes no passkey for a console that was asked for as ``host``; "" when it does."""
    name = host.strip("[]")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if is_secure or name == "localhost" or name.endswith(".localhost"):
            return ""
        return "Passkeys need HTTPS: browsers make none for a console that is reached without it."
    return (f"Passkeys need a host name, and this console was opened by its address {name}. Open it by its name "
            "(PAIRWISE_CONSOLE_URL).")
