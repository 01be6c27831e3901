"""What every address of the console lets whom do, for the walk (test_access.py) and for the search for secrets.

A new address needs one line in ``ADDRESSES``: its methods and the verb of core.permissions that each needs,
with values that make the view go as far as its permission. Its ``pk`` is the object of ``walk.World`` that the first
word of its name says (application-, host-, job-, …) or ``Request.pk`` does; other arguments are in ``ARGUMENTS``.
"""

from dataclasses import dataclass, field

from provisioning.applications.views.editor_parts import SHOWN_TABS
from provisioning.audit.exports import FORMATS
from provisioning.browse.views import NAMES
from provisioning.core.permissions import (
    ACCEPT_LOSS,
    ALARMS,
    AUDIT,
    CLIENTS,
    CONDITIONS,
    CONFIGURE,
    DRILL,
    EXPORT,
    IMPORT,
    INSTALL,
    MANAGE_HOSTS,
    NOTIFY,
    OPERATE,
    PUBLISH,
    READ_MESSAGES,
    SHIP,
    USERS,
    VIEW,
    WAIVE,
    WALL,
)
from provisioning.logs.files import FORMATS as LOG_FORMATS
from provisioning.notifications.views.names import NAMED
from provisioning.pairs.views.pairs import PARTS
from provisioning.searches.facts import FILTERS
from provisioning.web.exports import FORMATS as LIST_FORMATS

OPEN, SIGNED_IN, MACHINE = "open", "signed in", "machine"
"""Besides verbs: without a login; by whoever is signed in, role or not; with a token or signature of its own."""


@dataclass(frozen=True)
class Request:
    """One request that a view answers: its method, what it needs, and what is sent with it. ``pk`` names another object
    of the World than the address' name would."""

    method: str
    need: str
    sent: dict = field(default_factory=dict)
    pk: str = ""


def reads(need: str = VIEW, *, pk: str = "") -> tuple[Request, ...]:
    return Request("GET", need, pk=pk), Request("HEAD", need, pk=pk)


def posts(need: str, *, pk: str = "", **sent) -> tuple[Request, ...]:
    return (Request("POST", need, sent, pk),)


def asks(need: str, *, pk: str = "", **sent) -> tuple[Request, ...]:
    """A dialog or form: shown by GET, carried out by POST."""
    return reads(need, pk=pk) + posts(need, pk=pk, **sent)


def machines(*methods: str) -> tuple[Request, ...]:
    return tuple(Request(method, MACHINE) for method in methods)


def of_rows(need: str, *verbs: str) -> tuple[Request, ...]:
    """Verbs of the Applications list's toolbar."""
    return tuple(request for verb in verbs for request in posts(need, verb=verb, ids="{application}", confirmed="1"))


ADDRESSES: dict[str, tuple[Request, ...]] = {
    # programs: tests/api/test_access.py walks what is below these
    "api": (),
    "api-stream": (),
    "api-reference": reads(),
    # people
    "home": reads(SIGNED_IN),
    "login": reads(OPEN) + posts(OPEN, username="ada", password="wrong"),
    "logout": posts(SIGNED_IN),
    "password-change": reads(SIGNED_IN) + posts(SIGNED_IN),
    "account": reads(SIGNED_IN),
    "second-factor": asks(OPEN, code="000000"),
    "single-sign-on": posts(OPEN),
    "single-sign-on-back": reads(OPEN),
    "confirm": asks(SIGNED_IN),
    "factor-app": asks(SIGNED_IN, code="000000"),
    "factor-passkey": asks(SIGNED_IN, name="Phone"),
    "factor-codes": asks(SIGNED_IN),
    "factor-remove": asks(SIGNED_IN),
    "display": posts(OPEN, theme="dark"),
    "session": asks(OPEN),
    # applications
    "application-list": reads(),
    "application-action": (
        of_rows(VIEW, "edit") + of_rows(EXPORT, "export") +
        of_rows(OPERATE, "start", "stop", "stop-gracefully", "switch-over") + of_rows(INSTALL, "install") +
        of_rows(CONFIGURE, "clone", "delete", "enable", "disable")),
    "application-new": asks(CONFIGURE, name="Another"),
    "application-check": posts(CONFIGURE, name="Another"),
    "application-fill": posts(CONFIGURE, template_id="{template}"),
    "application-passcode": asks(CONFIGURE, login="billing"),
    "application-edit": reads() + posts(CONFIGURE, name="Another"),
    "application-clone": asks(CONFIGURE, name="Another"),
    "application-delete": reads(CONFIGURE),
    "application-install": asks(INSTALL),
    "application-certificates": posts(INSTALL),
    "application-start-files": reads() + posts(OPERATE, verb="check") + posts(INSTALL, verb="repair"),
    "application-status": reads(),
    "application-tab": reads(),
    "application-server-log": reads(),
    "application-charts": reads(),
    "host-charts": reads(),
    "pair-charts": reads(),
    "application-server-log-lines": reads(),
    "application-server-log-detail": posts(CONFIGURE, verb="begin") + posts(CONFIGURE, verb="end"),
    "application-server-log-download": posts(EXPORT, file="stdout"),
    "browse-templates": reads(),
    "browse-templates-import": posts(IMPORT),
    "browse-hosts": reads(),
    "browse-applications": reads(),
    "browse-names": reads(),
    "browse-servers": reads(),
    "port-info": asks(CONFIGURE),
    "connection-info": asks(CONFIGURE),
    # hosts, templates, packages
    "host-list": reads(),
    "host-new": asks(MANAGE_HOSTS, name="another", ip_address="203.0.113.9", os_type="Linux", lca_port="4999"),
    "host-detail": reads(),
    "host-edit": asks(MANAGE_HOSTS, name="another", ip_address="203.0.113.9", os_type="Linux", lca_port="4999"),
    "host-delete": asks(MANAGE_HOSTS),
    "host-ladder": reads(pk="silent host"),
    "host-look": posts(AUDIT),
    "host-join": posts(MANAGE_HOSTS),
    "host-join-ssh": asks(MANAGE_HOSTS, port="none"),
    "host-join-revoke": posts(MANAGE_HOSTS),
    "template-list": reads(),
    "template-import": asks(IMPORT),
    "template-detail": reads(),
    "template-delete": asks(IMPORT),
    "package-list": reads(),
    "client-package": reads(),
    "package-import": asks(IMPORT),
    "package-detail": reads(),
    "package-delete": asks(IMPORT),
    # users
    "user-list": reads(),
    "user-detail": reads(),
    "user-new": asks(USERS, name="another", roles="Support"),
    "user-roles": asks(USERS, roles="Operator"),
    "user-reset": asks(USERS),
    "user-disable": asks(USERS),
    "user-enable": asks(USERS),
    "user-unlock": asks(USERS),
    "user-link": asks(USERS),
    "user-unlink": asks(USERS),
    "user-factors": asks(USERS),
    "sign-in-settings": reads(),
    "sign-in-factors": asks(USERS, factors_of="all"),
    "sign-in-ask": posts(USERS),
    "sign-in-directory": asks(USERS, name="lena"),
    "address-unlock": asks(USERS),
    "account-tokens": reads(),
    "apitoken-new": asks(VIEW, name="another", roles="Support", scope="api", expires="30"),
    "apitoken-edit": asks(USERS, networks="10.0.0.0/8", enabled="on"),
    "apitoken-revoke": asks(USERS),
    "apitoken-list": reads(USERS),
    "service-new": asks(USERS, name="another", roles="Support", scope="api", expires="30"),
    "user-token": asks(USERS, pk="service", name="another", roles="Support", scope="api", expires="30"),
    # jobs and history
    "job-list": reads(),
    "job-detail": reads() + reads(pk="install"),
    "job-lines": reads(),
    "job-cancel": asks(OPERATE) + posts(INSTALL, pk="install"),
    "job-retry": posts(OPERATE) + posts(INSTALL, pk="install"),
    "batch-detail": reads() + reads(pk="installs"),
    "batch-retry": posts(OPERATE) + posts(INSTALL, pk="installs"),
    "batch-cancel": asks(OPERATE) + posts(INSTALL, pk="installs"),
    "history": reads(),
    "history-export": reads(EXPORT),
    "history-deleted": reads(),
    "history-entry": reads() + reads(pk="host entry") + reads(pk="deleted entry"),
    "history-restore": asks(CONFIGURE, revision="1", fields="description") + asks(MANAGE_HOSTS, pk="host entry") +
                       asks(CONFIGURE, pk="deleted entry", revision="0"),
    # pairs
    "pair-list": reads(),
    "pair-rows": reads(),
    "pair-paused": reads(),
    "pair-detail": reads(),
    "pair-part": reads(),
    "pair-probe": reads(),
    "pair-changes": reads(),
    "pair-changes-export": reads(EXPORT),
    "pair-messages": reads(READ_MESSAGES),
    "pair-message": reads(READ_MESSAGES),
    "pair-message-body": reads(READ_MESSAGES),
    "pair-message-publish": asks(PUBLISH, destination="/topic/a", body="x"),
    "pair-destinations": reads(READ_MESSAGES),
    "pair-connections": reads(),
    "pair-connection-cut": asks(CLIENTS),
    "pair-positions": reads(),
    "pair-position-move": asks(CLIENTS, seq="1"),
    "pair-position-delete": asks(CLIENTS),
    "pair-bundle": asks(EXPORT, time="day"),
    "pair-switchover": asks(OPERATE),
    "pair-pause": asks(OPERATE, reason="A test."),
    "pair-resume": asks(OPERATE),
    "pair-promote": asks(ACCEPT_LOSS),
    "pair-promote-active": asks(ACCEPT_LOSS),
    "pair-restored": reads() + posts(ACCEPT_LOSS, server="MS_Primary"),
    "restored-list": reads() + posts(ACCEPT_LOSS),
    "pair-drill": asks(DRILL),
    "pair-drills": reads(),
    "pair-drill-schedule": asks(DRILL, every_days="7", at="03:00", until="05:00"),
    "drill-detail": reads(),
    "drill-cancel": asks(DRILL),
    "pair-synchronize": asks(CONFIGURE),
    "pair-except": asks(CONFIGURE),
    "pair-withdraw": asks(CONFIGURE),
    # audit
    "audit-list": reads(),
    "audit-run": posts(AUDIT, ids="{pair}"),
    "audit-rules": reads(),
    "audit-sheet": reads(),
    "audit-compare": reads(),
    "audit-finding-waive": asks(WAIVE, reason="A test.", expires_on="{tomorrow}"),
    "audit-finding-fix": asks(CONFIGURE),
    "audit-waivers": reads(),
    "audit-waiver-withdraw": asks(WAIVE),
    "audit-export": reads(EXPORT),
    "audit-pair-export": reads(EXPORT),
    # monitoring and machines
    "monitoring": reads(),
    "troubles": reads(),
    "wall": reads(OPEN),
    "wall-display": asks(WALL, verb="make"),
    "event-list": reads(),
    "event-export": reads(EXPORT),
    "log-list": reads(),
    "log-newest": reads(),
    "log-record": reads(),
    "log-settings": asks(CONFIGURE, application="MS_Primary"),
    "log-export": reads(EXPORT),
    "search-new": (
        reads() + posts(VIEW, name="Alarms", query="text=lost") + posts(
            USERS, name="Alarms", query="text=lost", shared="on")),
    "search-delete": asks(USERS),
    "alarm-list": reads(),
    "alarm-strip": reads(),
    "alarm-detail": reads(),
    "alarm-acknowledge": asks(ALARMS, note="A test."),
    "alarm-clear": asks(ALARMS, reason="A test."),
    "maintenance-list": reads(),
    "maintenance-new": asks(ALARMS, kind="application", application="MS_Primary",
                            ends_at="{tomorrow}T03:00", reason="A test."),
    "maintenance-end": asks(ALARMS),
    "condition-list": reads(),
    "condition-new": asks(CONDITIONS, name="Another", detect_event="4504", cancel_timeout="24", category="major",
                          selection_mode="any"),
    "condition-edit": reads() + posts(
        CONDITIONS, name="Another", detect_event="4504", cancel_timeout="24", category="major",
        selection_mode="any", reactions="restart", channels="Duty"),
    "condition-delete": asks(CONDITIONS),
    "channel-list": reads(),
    "channel-new": asks(NOTIFY, kind="mail", name="Another", own_to="duty@example.com"),
    "channel-edit": reads() + posts(
        NOTIFY, kind="webhook", name="Another", own_url="https://hooks.example.com/"),
    "channel-delete": asks(NOTIFY),
    "channel-enable": posts(NOTIFY, enabled="0"),
    "channel-test": asks(NOTIFY),
    "shipping-list": reads(),
    "shipping-new": asks(SHIP, name="Another", address="syslog+tls://192.0.2.80:6514", format="rfc5424"),
    "shipping-edit": reads() + posts(SHIP, name="Another", address="syslog+tls://192.0.2.80:6514", format="rfc5424"),
    "shipping-delete": asks(SHIP),
    "shipping-enable": posts(SHIP, enabled="0"),
    "shipping-test": asks(SHIP),
    "shipping-again": asks(SHIP, number="1"),
    "rule-list": reads(),
    "rule-new": asks(NOTIFY, name="Another", channels="Duty", wait_s="0", repeat_h="0", group_s="60",
                     limit_per_hour="20", time_zone="UTC"),
    "rule-edit": reads() + posts(
        NOTIFY, name="Another", channels="Duty", wait_s="0", repeat_h="0", group_s="60",
        limit_per_hour="20", time_zone="UTC"),
    "rule-delete": asks(NOTIFY),
    "delivery-list": reads(),
    "delivery-detail": reads(),
    "delivery-resend": asks(NOTIFY),
    "notification-names": reads(),
    # tests/provisioning/manual asks for each document and file
    "manual": reads(),
    "manual-document": reads(),
    "manual-file": reads(),
    "manual-search": reads(),
    "stream": reads(),
    "healthz": reads(OPEN),
    "readyz": reads(OPEN),
    "livez": reads(OPEN),
    "metrics": reads(OPEN),
    "host-package-file": machines("GET", "HEAD"),
    "host-application-secret": machines("GET", "HEAD"),
    "host-application-certificate": machines("GET", "HEAD"),
    "join-program": reads(OPEN),
    "join-bundle": machines("GET"),
    "join-stage": machines("POST"),
    "join-exchange": machines("POST"),
    "join-state": machines("GET"),
    "join-leave": machines("POST"),
}
ARGUMENTS: dict[str, list] = {
    "tab": list(SHOWN_TABS), "part": list(PARTS), "kind": list(NAMES), "file_format": list(FORMATS),
    "log_format": list(LOG_FORMATS), "named": list(NAMED), "list_format": list(LIST_FORMATS),
    "list_name": list(FILTERS), "seq": [1], "session": ["1-1"],
    "chapter": ["glossary"], "file": ["openapi.json"]}
"""Values of the arguments of addresses that are no keys; every one of them is read."""
