"""How a directory (LDAP, Active Directory) is set up. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

GROUP_OF_NAMES, ACTIVE_DIRECTORY, POSIX = "group-of-names", "active-directory", "posix"
GROUP_TYPES = (GROUP_OF_NAMES, ACTIVE_DIRECTORY, POSIX)
NAME_IN_FILTER = re.compile(r"\(([A-Za-z][A-Za-z0-9-]*)=%\(user\)s\)")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Somebody in the directory. ``groups`` None: they could not be read; ``why_unknown`` says why."""

    dn: str
    name: str
    groups: frozenset[str] | None
    why_unknown: str = ""


def name_attribute(user_filter: str) -> str:
    """What users are called by, as the filter looks for it; "" when it does not look for a name."""
    found = NAME_IN_FILTER.search(user_filter)
    return found[1] if found else ""


def name_of(attributes: Mapping[str, Sequence[str]], *, user_filter: str, typed: str) -> str:
    """As the directory writes it, whatever case it was typed in. Of several names, which somebody may have added, it is
    the one that was typed."""
    values = {name.lower(): each for name, each in attributes.items()}.get(name_attribute(user_filter).lower()) or ()
    if len(values) == 1:
        return values[0]
    return next((value for value in values if value.casefold() == typed.casefold()), typed)


def wrong_in_settings(*, url: str, plain: bool, users: str, groups: str, user_filter: str,
                      group_type: str) -> list[str]:
    """What cannot be right, in sentences."""
    found = []
    scheme = urlsplit(url).scheme
    if scheme not in ("ldap", "ldaps"):
        found.append(f"PAIRWISE_LDAP_URL is {url}: write ldaps://server, or ldap://server for StartTLS.")
    if scheme == "ldaps" and plain:
        found.append("PAIRWISE_LDAP_PLAIN=1 goes with ldap:// only.")
    found += [f"{name} is not set: name where to look." for name, value in (
        ("PAIRWISE_LDAP_USERS", users), ("PAIRWISE_LDAP_GROUPS", groups)) if not value]
    if not name_attribute(user_filter):
        found.append(f"PAIRWISE_LDAP_USER_FILTER is {user_filter}: it has to have a part such as (uid=%(user)s).")
    if group_type not in GROUP_TYPES:
        found.append(f"PAIRWISE_LDAP_GROUP_TYPE is {group_type}: choose one of {', '.join(GROUP_TYPES)}.")
    return found
