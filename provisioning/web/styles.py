"""Which stylesheets a page loads: one file a thing, in the order in which they are loaded."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

GROUPS: dict[str, tuple[str, ...]] = {
    "ground": ("css/tokens.css", "css/reset.css", "css/base.css", "css/chips.css"),
    "every page": (
        "css/frame.css", "css/header.css", "css/tree.css", "css/messages.css", "css/signin.css", "css/buttons.css",
        "css/toolbar.css", "css/panels.css", "css/inputs.css", "css/dialogs.css", "css/to-copy.css", "css/values.css",
        "css/lists.css", "css/grids.css", "css/applications.css", "css/fields.css", "css/editor.css", "css/browse.css",
        "css/glossary.css", "css/strip.css", "css/server-log.css", "css/chart.css"),
    "work": ("css/jobs.css", "css/hosts.css", "css/dashboard.css", "css/changes.css", "css/events.css",
             "css/logs.css", "css/stored.css", "css/alarms.css", "css/notifications.css", "css/shipping.css",
             "css/searches.css", "css/accounts.css"),
    "pairs": ("css/pair.css", "css/timeline.css", "css/guide.css", "css/compare.css", "css/restored.css"),
    "drills": ("css/drill.css",),
    "audit": ("css/audit.css", "css/findings.css", "css/trend.css"),
    "no scripts": ("css/noscript.css",),
    "wall": ("css/wall.css",),
    "api": ("css/api.css",),
    "manual": ("css/manual.css",),
}
"""{what a template asks for: its files}. A file is in one group, so no page loads it twice."""


@register.simple_tag
def styles(group: str) -> SafeString:
    """The links to the stylesheets of ``group``."""
    return format_html_join("\n", '<link rel="stylesheet" href="{}">', ((static(name),) for name in GROUPS[group]))
