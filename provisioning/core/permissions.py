"""Who may do what (docs/users.md): roles, verbs, and the actor that every service is told."""

import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass, field

from provisioning.errors import NotAllowed
from provisioning.states import Role

from .log_context import new_request_id

(VIEW, CONFIGURE, INSTALL, OPERATE, MANAGE_HOSTS, IMPORT, ACCEPT_LOSS, AUDIT, WAIVE, EXPORT, DRILL, ALARMS, CONDITIONS,
 NOTIFY, WALL, SHARE, USERS, SHIP, READ_MESSAGES, PUBLISH, CLIENTS) = (
    "view", "configure", "install", "operate", "manage_hosts", "import", "accept_loss", "audit", "waive", "export",
    "drill", "alarms", "conditions", "notify", "wall", "share", "users",
    "ship", "read_messages", "publish", "clients",
)
VERBS = {
    VIEW: "see objects, jobs, audits and history",
    CONFIGURE: "create, change and delete applications, and set up the log",
    INSTALL: "install applications",
    OPERATE: "start, stop and switch over applications",
    MANAGE_HOSTS: "create, change and delete hosts",
    IMPORT: "import application templates and installation packages",
    ACCEPT_LOSS: "promote a standby that lacks messages, say which server goes on after a restore",
    AUDIT: "run the audit",
    WAIVE: "waive findings",
    EXPORT: "export the configuration, reports and bundles",
    DRILL: "run failover drills",
    ALARMS: "acknowledge, clear and mask alarms",
    CONDITIONS: "create, change and delete alarm conditions",
    NOTIFY: "create, change, test and delete channels and notification rules",
    WALL: "make and revoke the address of the wall display",
    SHARE: "share saved searches with everybody and delete these",
    USERS: "manage users",
    SHIP: "create, change, test and delete targets of audit shipping",
    READ_MESSAGES: "read stored messages",
    PUBLISH: "publish test messages",
    CLIENTS: "cut connections of clients, and move or delete named positions",
}
ROLE_VERBS: dict[str, frozenset[str]] = {
    Role.ADMINISTRATOR: frozenset(VERBS),
    Role.OPERATOR: frozenset({VIEW, OPERATE, DRILL, ALARMS, READ_MESSAGES, CLIENTS}),
    Role.SUPPORT: frozenset({VIEW, AUDIT, WAIVE, EXPORT}),
}

READS = frozenset({VIEW, EXPORT, READ_MESSAGES})
"""What changes nothing."""
CONFIRMED = frozenset({USERS, ACCEPT_LOSS})
"""What a session does only after its user has shown anew who it is: by one that was stolen nobody comes to stay, or
gives up messages."""
CONFIRM_FIRST = ("Nothing was done: show anew who you are first. Sign in again, or open a page of the console that "
                 "asks for it; then you have 5 minutes. Programs show a token instead.")
READ_ONLY = "This token only reads. Use another one for what changes something."


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asks, from where. ``origin`` is an address, the name of a command or that of a token; ``request_id`` groups
    history. ``token``: the name of the API token that was shown, "" for a person; ``token_key``: what no other token
    ever has. One that is ``read_only`` lets nobody change anything, whatever the roles. ``unconfirmed``: by a session
    whose user has to show anew who it is before what is in CONFIRMED."""

    name: str
    user_id: int | None = None
    roles: frozenset[str] = frozenset()
    origin: str = ""
    request_id: str = field(default_factory=new_request_id)
    token: str = ""
    token_key: str = ""
    read_only: bool = False
    unconfirmed: bool = False

    def may(self, verb: str) -> bool:
        return verb in verbs_of(self.roles) and (verb in READS or not self.read_only)

    def require(self, verb: str) -> None:
        """Raise NotAllowed unless a role of this actor includes ``verb``."""
        if self.may(verb):
            if verb in CONFIRMED:
                self.require_confirmed()
            return
        raise NotAllowed(READ_ONLY if self.may_with_another_token(verb) else sentence_for(verb))

    def require_confirmed(self) -> None:
        """Raise NotAllowed of a session whose user has to show anew who it is."""
        if self.unconfirmed:
            raise NotAllowed(CONFIRM_FIRST)

    def may_with_another_token(self, verb: str) -> bool:
        return self.read_only and verb in verbs_of(self.roles)


def sentence_for(verb: str) -> str:
    """Why somebody without ``verb`` may not, and what to do about it."""
    needed = " or ".join(role for role, verbs in ROLE_VERBS.items() if verb in verbs)
    return f"Your role does not let you {VERBS[verb]}. Ask for the role {needed}."


def verbs_of(roles: Iterable[str]) -> frozenset[str]:
    """All that these roles let somebody do."""
    return frozenset().union(*(ROLE_VERBS.get(role, frozenset()) for role in roles))


def user_roles(user, *, even_disabled: bool = False) -> frozenset[str]:
    """Roles of a Django user: the names of its groups; a superuser is an Administrator. Who is disabled has none."""
    if not user.is_authenticated or not (user.is_active or even_disabled):
        return frozenset()
    return roles_of(user, user.groups.values_list("name", flat=True))


def roles_of(user, groups: Iterable[str]) -> frozenset[str]:
    """Those of somebody who is not disabled and in these groups; no query."""
    names = set(groups)
    if user.is_superuser:
        names.add(str(Role.ADMINISTRATOR))
    return frozenset(names & set(Role.values))


def actor_of(request) -> Actor:
    """The actor behind an HTTP request; kept on the request, so one request is one ``request_id``."""
    if not hasattr(request, "_pairwise_actor"):
        user = request.user
        request._pairwise_actor = Actor(
            name=user.get_username() or "anonymous", user_id=user.pk, roles=user_roles(user),
            origin=origin_of(request), request_id=getattr(request, "request_id", "") or new_request_id(),
        )
    return request._pairwise_actor


def origin_of(request) -> str:
    """The address that the request came from; of whoever a trusted proxy asks for, what that says."""
    return request.META.get("REMOTE_ADDR", "")


def command_line_actor(command: str) -> Actor:
    """Whoever can run ``manage.py`` holds the database and its key, so may do everything. ``origin`` says the command
    and the account of the operating system."""
    return Actor(name="command line", roles=frozenset({str(Role.ADMINISTRATOR)}),
                 origin=f"manage.py {command} as {os_account()}")


def os_account() -> str:
    """The account that this process runs as; behind sudo, who asked for it too."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"uid {os.getuid()}"
    asked = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo by {asked})" if asked and asked != name else name
