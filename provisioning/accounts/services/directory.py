"""Asks a directory (LDAP, Active Directory) whether a password is right and which groups somebody is in, by
django-auth-ldap (``requirements-ldap.txt``). Nothing of ours is read or written here."""

import threading
import time
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from provisioning.accounts.rules.directory import ACTIVE_DIRECTORY, POSIX, Entry, name_of

ANSWERS_WITHIN_S = 3
ALL_WITHIN_S = 10.0
"""So long one asking may take with all that it looks for: groups of groups of groups are an answer each."""
MOST_ENTRIES = 5_000
"""So many entries one asking reads at most; nobody is in so many groups."""
AWAY_FOR_S = 30.0
"""So long a directory that did not answer is not asked again: each sign-in would wait for it."""
AWAY = frozenset({"SERVER_DOWN", "CONNECT_ERROR", "TIMEOUT", "TIMELIMIT_EXCEEDED", "LOCAL_ERROR", "BUSY",
                  "UNAVAILABLE"})
"""What a directory that is away answers, or nobody in its place, when it is shown the password of a user."""
MISSING = "the program that asks directories is not installed: ./run installs it from requirements-ldap.txt"


class DirectoryAway(Exception):
    """The directory does not answer, or not to us. The text says why."""


class _Remembered:
    """Of one process: until when (monotonic, seconds) the directory is not asked, and why."""

    def __init__(self):
        self._lock, self._until, self._why = threading.Lock(), 0.0, ""

    def away(self, why: str) -> None:
        with self._lock:
            self._until, self._why = time.monotonic() + AWAY_FOR_S, why

    def require_not_away(self) -> None:
        """Raises DirectoryAway."""
        with self._lock:
            if time.monotonic() < self._until:
                raise DirectoryAway(self._why)

    def forget(self) -> None:
        with self._lock:
            self._until = 0.0


REMEMBERED = _Remembered()


def is_set_up() -> bool:
    return bool(settings.PAIRWISE_LDAP_URL)


@sensitive_variables("password")
def ask(*, name: str, password: str) -> Entry | None:
    """Who ``name`` is in the directory, if this is the password; None if not. Raises DirectoryAway."""
    REMEMBERED.require_not_away()
    return _asked(lambda backend: backend.authenticate(None, username=name, password=password))


def look_up(name: str) -> Entry | None:
    """Who ``name`` is in the directory; None for nobody. Raises DirectoryAway."""
    return _asked(lambda backend: backend.somebody(name))


def _asked(work) -> Entry | None:
    try:
        import ldap
    except ImportError:
        raise DirectoryAway(MISSING) from None
    try:
        found = work(_backend())
        entry = None if found is None else _entry(found.ldap_user)
    except ldap.LDAPError as error:
        why = why_away(error)
        REMEMBERED.away(why)
        raise DirectoryAway(why) from None
    REMEMBERED.forget()
    return entry


def _entry(ldap_user: Any) -> Entry:
    import ldap

    name = name_of(ldap_user.attrs, user_filter=settings.PAIRWISE_LDAP_USER_FILTER, typed=ldap_user._username)
    try:
        groups, why = frozenset(ldap_user.group_names), ""
    except ldap.LDAPError as error:
        groups, why = None, f"its groups could not be read: {why_away(error)}"
    return Entry(dn=ldap_user.dn, name=name, groups=groups, why_unknown=why)


def why_away(error: Exception) -> str:
    """``error`` of the library, in words; never what was sent."""
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    words = ": ".join(str(said[key]) for key in ("desc", "info") if said.get(key))
    return f"{settings.PAIRWISE_LDAP_URL}: {words or type(error).__name__}"


def _backend():
    import ldap
    from django_auth_ldap import config
    from django_auth_ldap.backend import LDAPBackend, _LDAPUser, ldap_error

    def tell(sender, exception, **_more):
        raise exception

    # Without a receiver that raises, a directory that is away would look like a wrong password.
    ldap_error.connect(tell, dispatch_uid="provisioning.accounts.directory", weak=False)

    class Backend(LDAPBackend):
        default_settings = _options(ldap, config, _bounded(ldap, config))

        def authenticate_ldap_user(self, ldap_user, password):
            if ldap_user.dn is None:
                return None
            try:
                ldap_user._bind_as(ldap_user.dn, password)
            except ldap.LDAPError as error:
                if type(error).__name__ in AWAY:
                    raise
                # Said of this user alone, whatever it is: nobody keeps others out by a name that is locked there.
                return None
            return SimpleNamespace(ldap_user=ldap_user)

        def somebody(self, name: str):
            found = _LDAPUser(self, username=name.strip())
            return SimpleNamespace(ldap_user=found) if found.attrs is not None else None

    return Backend()


def _bounded(ldap: Any, config: Any) -> type:
    """Searches of one asking, which share ALL_WITHIN_S from now on and MOST_ENTRIES. One that would go beyond raises
    what the library does."""
    ends, read = time.monotonic() + ALL_WITHIN_S, 0

    class Search(config.LDAPSearch):
        def execute(self, connection, filterargs=(), escape=True):
            nonlocal read
            left_s = ends - time.monotonic()
            if left_s <= 0:
                raise ldap.TIMEOUT({"desc": f"it has not answered everything within {ALL_WITHIN_S:g} s"})
            connection.set_option(ldap.OPT_TIMEOUT, min(left_s, ANSWERS_WITHIN_S))
            found = super().execute(connection, filterargs, escape)
            read += len(found)
            if read > MOST_ENTRIES:
                raise ldap.SIZELIMIT_EXCEEDED({"desc": f"more than {MOST_ENTRIES} entries, with groups in groups"})
            return found

    return Search


def _options(ldap: Any, config: Any, search: type) -> dict[str, Any]:
    below = ldap.SCOPE_SUBTREE
    kinds = {ACTIVE_DIRECTORY: config.NestedActiveDirectoryGroupType, POSIX: config.PosixGroupType}
    filters = {ACTIVE_DIRECTORY: "(objectClass=group)", POSIX: "(objectClass=posixGroup)"}
    kind = settings.PAIRWISE_LDAP_GROUP_TYPE
    connection = {ldap.OPT_NETWORK_TIMEOUT: ANSWERS_WITHIN_S, ldap.OPT_TIMEOUT: ANSWERS_WITHIN_S,
                  ldap.OPT_REFERRALS: 0, ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND}
    if settings.PAIRWISE_LDAP_CA:
        connection[ldap.OPT_X_TLS_CACERTFILE] = settings.PAIRWISE_LDAP_CA
    # The last: what was said of TLS counts from here on.
    connection[ldap.OPT_X_TLS_NEWCTX] = 0
    return {
        "SERVER_URI": settings.PAIRWISE_LDAP_URL, "BIND_DN": settings.PAIRWISE_LDAP_BIND_DN,
        "BIND_PASSWORD": settings.PAIRWISE_LDAP_BIND_PASSWORD, "CONNECTION_OPTIONS": connection,
        "START_TLS": settings.PAIRWISE_LDAP_URL.startswith("ldap://") and not settings.PAIRWISE_LDAP_PLAIN,
        "USER_SEARCH": search(settings.PAIRWISE_LDAP_USERS, below, settings.PAIRWISE_LDAP_USER_FILTER),
        "GROUP_SEARCH": search(settings.PAIRWISE_LDAP_GROUPS, below, filters.get(kind, "(objectClass=groupOfNames)")),
        "GROUP_TYPE": kinds.get(kind, config.NestedGroupOfNamesType)(name_attr="cn"),
        "ALWAYS_UPDATE_USER": False, "PERMIT_EMPTY_PASSWORD": False, "CACHE_TIMEOUT": 0,
    }
