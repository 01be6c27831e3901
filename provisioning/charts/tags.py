"""What lists show of the last hour of servers."""

from collections.abc import Iterable

from django import template

from .rules.minutes import Hour, together
from .rules.sparkline import HEIGHT, WIDTH, sparkline
from .selectors.last_hour import last_hours

register = template.Library()


@register.simple_tag
def hours_of_applications(rows: Iterable) -> dict[int, Hour]:
    """{application: its last hour} of a list's rows, each an application, or a tuple that begins with one."""
    return last_hours(row[0].pk if isinstance(row, tuple) else row.pk for row in rows)


@register.simple_tag
def hours_of_pairs(rows: Iterable) -> dict[int, Hour]:
    """{primary: the last hour of both members} of a list's rows of pairs."""
    members = {row.facts.primary.id: [member.id for member in row.facts.members] for row in rows}
    found = last_hours(key for keys in members.values() for key in keys)
    return {primary: together(hours) for primary, keys in members.items()
            if (hours := [found[key] for key in keys if key in found])}


@register.inclusion_tag("charts/_sparkline.html")
def last_hour(hours: dict[int, Hour], key: int):
    return {"spark": sparkline(hours.get(key)), "width": WIDTH, "height": HEIGHT}
