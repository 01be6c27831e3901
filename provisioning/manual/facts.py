"""What the documents are called in addresses, and which chapter is about which page of the console: pure."""

import posixpath

INDEX = "docs/README.md"
"""The one list of all documents, by who needs them and in their order."""
PAGE = ".html"
"""What the addresses of documents end in."""
FILES = ("docs/*.json", "docs/images/*", "deploy/Dockerfile", "deploy/grafana/*.json", "deploy/prometheus/*.yml")
"""What documents may link to besides documents: patterns, from the top of the repository."""

CHAPTERS: dict[str, str] = {
    "": INDEX,
    # applications
    "application-": "README.md#five-minutes-a-message-server-from-nothing",
    "application-list": "docs/jobs.md#many-applications-at-once",
    "application-action": "docs/jobs.md#many-applications-at-once",
    "application-certificates": "docs/tls.md#secured-ports-of-a-pair",
    "application-charts": "docs/charts.md",
    "application-passcode": "docs/message-protocol.md#logins-and-rights",
    "application-server-log": "docs/servers.md#log-files-of-a-message-server",
    "application-start-files": "docs/servers.md#start-files",
    "batch-": "docs/jobs.md#many-applications-at-once",
    "browse-": "README.md#five-minutes-a-message-server-from-nothing",
    "connection-": "README.md#five-minutes-a-message-server-from-nothing",
    "port-": "README.md#five-minutes-a-message-server-from-nothing",
    "template-": "docs/configuration-file.md#application-templates-apd",
    "package-": "docs/guide.md#step-2-install-it",
    "job-": "docs/jobs.md",
    # hosts
    "host-": "docs/hosts.md",
    "host-charts": "docs/charts.md",
    "host-delete": "docs/hosts.md#remove",
    "host-join": "docs/hosts.md#join",
    "host-ladder": "docs/hosts.md#how-far-a-host-is-reachable",
    "host-look": "docs/hosts.md#what-is-true-there",
    "host-new": "docs/hosts.md#join",
    # pairs
    "pair-": "docs/pair-page.md",
    "pair-bundle": "docs/audit.md#support-bundle",
    "pair-changes": "docs/history.md#what-changed-about-a-pair",
    "pair-charts": "docs/charts.md",
    "pair-connection": "docs/messages.md#connections",
    "pair-destinations": "docs/messages.md#messages",
    "pair-drill": "docs/drills.md",
    "pair-except": "docs/guide.md#step-5-synchronize-options-and-ports",
    "pair-message": "docs/messages.md#messages",
    "pair-message-publish": "docs/messages.md#a-test-message",
    "pair-position": "docs/messages.md#named-positions",
    "pair-restored": "docs/backup.md#an-older-record",
    "pair-synchronize": "docs/guide.md#step-5-synchronize-options-and-ports",
    "pair-withdraw": "docs/guide.md#step-5-synchronize-options-and-ports",
    "drill-": "docs/drills.md",
    "restored-": "docs/backup.md#an-older-record",
    # what happens
    "monitoring": "docs/monitoring.md#the-dashboard",
    "troubles": "docs/operating.md#trouble",
    "event-": "docs/monitoring.md#events",
    "log-": "docs/log.md#read-and-search",
    "log-settings": "docs/log.md#choose-the-pair",
    "search-": "docs/log.md#read-and-search",
    "alarm-": "docs/alarms.md",
    "condition-": "docs/alarms.md#provisioning--environment--alarm-conditions",
    "maintenance-": "docs/alarms.md#monitoring--alarms--maintenance",
    "wall": "docs/alarms.md#the-wall-display",
    "channel-": "docs/notifications.md#channels",
    "delivery-": "docs/notifications.md#deliveries",
    "notification-": "docs/notifications.md",
    "rule-": "docs/notifications.md#rules",
    # audit and history
    "audit-": "docs/audit.md",
    "audit-compare": "docs/audit.md#then-and-now",
    "audit-export": "docs/audit.md#reports-and-pipelines",
    "audit-finding-waive": "docs/audit.md#waivers",
    "audit-pair-export": "docs/audit.md#reports-and-pipelines",
    "audit-rules": "docs/audit-rules.md",
    "audit-waiver": "docs/audit.md#waivers",
    "history": "docs/history.md",
    "history-deleted": "docs/history.md#bring-back-what-was-deleted",
    "history-restore": "docs/history.md#restore-and-edit-this-version",
    "shipping-": "docs/audit-shipping.md",
    # people and programs
    "account": "docs/sign-in.md",
    "account-tokens": "docs/tokens.md",
    "address-unlock": "docs/users.md#what-locks-a-sign-in",
    "api": "docs/api.md",
    "apitoken-": "docs/tokens.md",
    "confirm": "docs/sign-in.md#who-is-asked-once-more",
    "factor-": "docs/sign-in.md#second-factors",
    "password-change": "docs/users.md",
    "service-": "docs/tokens.md",
    "sign-in-": "docs/sign-in.md",
    "sign-in-directory": "docs/integrations/ldap.md",
    "sign-in-factors": "docs/sign-in.md#second-factors",
    "user-": "docs/users.md",
    "user-factors": "docs/sign-in.md#second-factors",
    "user-link": "docs/sign-in.md#single-sign-on",
    "user-token": "docs/tokens.md",
    "user-unlink": "docs/sign-in.md#single-sign-on",
    "user-unlock": "docs/users.md#what-locks-a-sign-in",
}
"""{beginning of the URL names of pages: the document and heading about them}. The longest beginning counts."""


def chapter_of(url_name: str) -> str:
    """The document, with a heading where there is one, that the ``?`` of a page leads to."""
    return CHAPTERS[max((beginning for beginning in CHAPTERS if url_name.startswith(beginning)), key=len)]


def address_of(path: str) -> str:
    """Where the file ``path`` of the repository is found, seen from the front page of the documentation; the same in
    the console and in a directory, so links within the documentation are the same in both."""
    # What lies at the top is apart: there is a SECURITY.md and a docs/security.md.
    inner = path.removeprefix("docs/") if "/" in path else f"pairwise/{path}"
    if not path.endswith(".md"):
        return inner
    folder, name = posixpath.split(inner)
    return posixpath.join(folder, "index" if name == "README.md" else name.removesuffix(".md").lower()) + PAGE


def relative(address: str, source: str) -> str:
    """``address`` as a page at the address ``source`` writes it; both are seen from the front page."""
    return posixpath.relpath(address, posixpath.dirname(source) or ".")
