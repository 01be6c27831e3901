"""The tree at the left of every page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioning.audit.selectors.audits import broken_count


@dataclass(frozen=True)
class Item:
    """A page of the tree. ``owns``: beginnings of the URL names that count as being on this page."""

    label: str
    name: str
    icon: str
    owns: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A tab of the header and a branch of the tree. ``groups``: (label or "", items); ``alarm``: a number that the tab
    shows unless it is 0, told by the frame of the page, with the word for one of what it counts."""

    label: str
    groups: tuple[tuple[str, tuple[Item, ...]], ...]
    alarm: tuple[Callable[[Any], int], str] | None = None


NAVIGATION = (
    Section("Monitoring", (("", (
        Item("Dashboard", "monitoring", "speedometer2", ("monitoring",)),
        Item("Pairs", "pair-list", "diagram-2", ("pair-", "drill-", "restored-")),
        Item("Alarms", "alarm-list", "exclamation-triangle-fill", ("alarm-", "maintenance-", "wall-display")),
        Item("Notifications", "channel-list", "broadcast", ("channel-", "rule-", "delivery-")),
        Item("Events", "event-list", "bell", ("event-",)),
        Item("Centralized Log", "log-list", "journal-text", ("log-",)),
    )),), alarm=(lambda frame: frame.alarms.active, "active alarm")),
    Section("Provisioning", (("Environment", (
        Item("Applications", "application-list", "boxes", ("application-", "browse-", "port-", "connection-")),
        Item("Application Templates", "template-list", "file-earmark-code", ("template-",)),
        Item("Hosts", "host-list", "hdd-rack", ("host-",)),
        Item("Alarm Conditions", "condition-list", "activity", ("condition-",)),
    )), ("Accounts", (
        Item("Users", "user-list", "person-circle", ("user-", "apitoken-list", "service-")),
        Item("Sign-in", "sign-in-settings", "key", ("sign-in-",)),
    )))),
    Section("Deployment", (("", (
        Item("Installation Packages", "package-list", "box-seam", ("package-",)),
    )),)),
    Section("Operations", (("", (
        Item("Jobs", "job-list", "list-task", ("job-", "batch-")),
        Item("History", "history", "clock-history", ("history",)),
        Item("Audit Shipping", "shipping-list", "box-arrow-up", ("shipping-",)),
    )),)),
    Section("Audit", (("", (
        Item("Audit of pairs", "audit-list", "shield-check", ("audit-list", "audit-sheet", "audit-compare",
                                                                 "audit-finding-")),
        Item("Waivers", "audit-waivers", "stopwatch", ("audit-waiver",)),
        Item("Rules", "audit-rules", "journal-text", ("audit-rules",)),
    )),), alarm=(lambda frame: broken_count(), "broken pair")),
)
LISTS_WITHIN = {"maintenance-list": "Maintenance", "history-deleted": "Deleted objects", "pair-drills": "Drills",
                "pair-changes": "Changes", "pair-messages": "Messages", "pair-destinations": "Destinations",
                "rule-list": "Notification rules", "delivery-list": "Deliveries",
                "apitoken-list": "API tokens"}
"""Lists that are no page of the tree: what they are called."""
LISTS_BETWEEN = {"maintenance-list": ("maintenance-", "Maintenance"), "rule-list": ("rule-", "Rules")}
"""Those of them that have pages behind them: {list: (beginning of the URL names of these, word in breadcrumbs)}."""
