"""API tokens: what one looks like, when it is good, and what somebody may make. Pure.

``pw_<8 characters>_<40 characters>``: the first part names it, in lists and in logs; the second is its secret.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioning.errors import Refusal
from provisioning.states import Role, TokenScope, TokenState

PREFIX, KEY_CHARACTERS, SECRET_CHARACTERS = "pw_", 8, 40
TOKEN = re.compile(rf"{PREFIX}([A-Za-z0-9]{{{KEY_CHARACTERS}}})_([A-Za-z0-9]{{{SECRET_CHARACTERS}}})")
USUAL_DAYS, LONGEST_DAYS = 90, 366
"""How long one is good where nobody says it, and at most; only Administrators make some that do not expire."""
NAME_MAX, DESCRIPTION_MAX, NETWORKS_MAX, ORIGIN_MAX = 64, 255, 512, 64
SOON = timedelta(days=14)
"""So long before its end people are told."""
TRIES, TRIES_WITHIN = 10, timedelta(minutes=1)
"""So many refusals in a row, each within that time after the one before, and nothing of that address is looked at for
as long. What comes meanwhile does not count."""
FAMILIAR_FOR = timedelta(days=30)
MOST = 50
"""Of one owner."""
NOT_KNOWN = "The token is not known here. Make one at Your account > API tokens."
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of a token that was found by its key, and of its owner."""

    name: str
    enabled: bool
    expires_at: datetime | None
    networks: str
    owner: str
    owner_is_enabled: bool


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody asks for. ``days``: how long it is good, None for ever."""

    name: str
    roles: Sequence[str] = ()
    scope: str = TokenScope.API
    read_only: bool = False
    days: int | None = USUAL_DAYS
    networks: str = ""
    description: str = ""


def parts(text: str) -> tuple[str, str] | None:
    """(key, secret) of what looks like a token."""
    found = TOKEN.fullmatch(text.strip())
    return (found[1], found[2]) if found else None


def digest(secret: str, key: bytes) -> str:
    """What is stored in place of ``secret``; ``key`` is made from the console's own."""
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


def why_not_good(token: Facts, now: datetime) -> str:
    """Why nobody is let in with it now, as a sentence; "" where it is good. Only for who has shown the secret."""
    if not token.enabled:
        return f"The token {token.name} is disabled."
    if not token.owner_is_enabled:
        return f"The token {token.name} is not good: its owner {token.owner} is disabled."
    if token.expires_at is not None and token.expires_at <= now:
        return f"The token {token.name} expired at {token.expires_at:%Y-%m-%d %H:%M} UTC. Make another one."
    return ""


def why_not_from(token: Facts, address: str) -> str:
    """Why it is not good from this address; "" where it is."""
    if not token.networks:
        return ""
    try:
        found, allowed = _plain(address), networks_of(token.networks)
    except ValueError:
        allowed = []
    else:
        if any(found in each for each in allowed):
            return ""
    return f"The token {token.name} is not good from {address or 'an address that is not known'}: its networks are " \
           f"{token.networks}."


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    found = ipaddress.ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found


def networks_of(text: str) -> list[Network]:
    """Raises ValueError."""
    return [ipaddress.ip_network(each.strip(), strict=False) for each in text.split(",") if each.strip()]


def origin(name: str, address: str) -> str:
    """What History says of where something came from. The address is there in any case."""
    before, after = "token ", f" from {address}"
    room = ORIGIN_MAX - len(before) - len(after)
    return f"{before}{name if len(name) <= room else name[:max(0, room - 1)] + '…'}{after}"


def locked_until(failures: int, tried_at: datetime, now: datetime) -> datetime | None:
    """Until when nothing of an address is looked at, after so many refusals, the last at ``tried_at``."""
    until = tried_at + TRIES_WITHIN
    return until if failures >= TRIES and now < until else None


def counted(failures: int, tried_at: datetime, now: datetime) -> int:
    """How many refusals there are with one more now."""
    return (failures if tried_at > now - TRIES_WITHIN else 0) + 1


def state(*, enabled: bool, expires_at: datetime | None, now: datetime) -> TokenState:
    """``enabled``: both the token and its owner are."""
    if not enabled:
        return TokenState.DISABLED
    if expires_at is None or expires_at > now + SOON:
        return TokenState.GOOD
    return TokenState.SOON if expires_at > now else TokenState.EXPIRED


def refusals(draft: Draft, *, taken: Collection[str], may_have: Collection[str], maker: str,
             maker_is_administrator: bool) -> list[Refusal]:
    """What is wrong with a token that somebody wants to make. ``taken``: names of the owner's others; ``may_have``: the
    roles of the owner, whom ``maker`` calls "you" or by name."""
    if len(taken) >= MOST:
        return [Refusal(f"There are {MOST} tokens already, and no more are kept. Revoke one first.")]
    return [*_of_name(draft.name, taken), *_of_roles(draft, may_have, maker),
            *_of_days(draft.days, maker_is_administrator), *of_texts(draft.description, draft.networks)]


def _of_name(name: str, taken: Collection[str]) -> list[Refusal]:
    if not name or name != name.strip() or not name.isprintable():
        return [Refusal("A token needs a name, without blanks around it.", "name")]
    if len(name) > NAME_MAX:
        return [Refusal(f"The name has {len(name)} characters; {NAME_MAX} fit.", "name")]
    if name in taken:
        return [Refusal(f"There is a token named {name} already. Revoke it, or choose another name.", "name")]
    return []


def _of_roles(draft: Draft, may_have: Collection[str], maker: str) -> list[Refusal]:
    if draft.scope == TokenScope.METRICS:
        # It is good for nothing that takes a role.
        return []
    if not draft.roles:
        return [Refusal("Choose at least one role.", "roles")]
    more = [role for role in draft.roles if role not in may_have]
    if not more:
        return []
    unknown = [role for role in more if role not in Role.values]
    if unknown:
        return [Refusal(f'"{unknown[0]}" is no role. Roles are {", ".join(Role.values)}.', "roles")]
    have = "You do not have" if maker == "you" else f"{maker} does not have"
    return [Refusal(f"{have} the role {' and '.join(more)}, so the token cannot have it.", "roles")]


def _of_days(days: int | None, maker_is_administrator: bool) -> list[Refusal]:
    if days is None:
        return [] if maker_is_administrator else [
            Refusal("Only an Administrator makes tokens that do not expire.", "days")]
    return [] if 1 <= days <= LONGEST_DAYS else [Refusal(f"A token is good for 1 to {LONGEST_DAYS} days.", "days")]


def may_be_made_for(owner_is_service: bool, owner_is_self: bool) -> bool:
    """Of a person only by that person: what is done with it is done in that name."""
    return owner_is_self or owner_is_service


def of_texts(description: str, networks: str) -> list[Refusal]:
    """What is wrong with what can be changed afterwards."""
    found = []
    if len(description) > DESCRIPTION_MAX:
        found.append(Refusal(f"The description has {len(description)} characters; {DESCRIPTION_MAX} fit.",
                             "description"))
    if len(networks) > NETWORKS_MAX:
        found.append(Refusal(f"The networks have {len(networks)} characters; {NETWORKS_MAX} fit.", "networks"))
    try:
        networks_of(networks)
    except ValueError as error:
        found.append(Refusal(f"Networks: {error}. Write them as 10.0.0.0/8, 192.0.2.7.", "networks"))
    return found
