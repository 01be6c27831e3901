"""What the pages write of failover drills."""

from datetime import datetime

from django import template

from provisioning.drills.rules.figures import figures_of, loss, seconds
from provisioning.models import Drill, DrillStep
from provisioning.states import DrillState
from provisioning.web.tags import level_icon

from . import selectors as selector
from .rules import drills as rules

register = template.Library()


@register.filter
def outage(ms: float | None) -> str:
    """``0.41 s``; a dash where there was none."""
    return seconds(ms) if isinstance(ms, int | float) else "–"


@register.simple_tag
def step_took(step: DrillStep) -> str:
    if step.finished_at is None or step.started_at is None:
        return ""
    took = step.finished_at - step.started_at
    return seconds(took.total_seconds() * 1000)


@register.simple_tag
def last_drill(primary_id: int) -> Drill | None:
    """Of the pair, as far as one proves anything."""
    return selector.last_drills([primary_id]).get(primary_id)


@register.simple_tag
def next_drill(primary_id: int) -> datetime | None:
    """When the next one of the pair starts by itself."""
    return selector.next_of(selector.schedule_of(primary_id))


@register.simple_tag
def drill_icon(drill: Drill):
    return level_icon(rules.LEVELS[DrillState(drill.state)])


@register.simple_tag
def drill_figures(drill: Drill) -> str:
    """``, outage 0.41 s, no loss``."""
    if not drill.figures:
        return ""
    found = figures_of(drill.figures)
    longest = found.longest_outage_ms
    return f"{'' if longest is None else f', outage {seconds(longest)}'}, {loss(found)}"
