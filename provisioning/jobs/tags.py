"""What pages write of jobs and their steps."""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from provisioning.core.text import duration, so_far
from provisioning.models import JobStep
from provisioning.states import StepState
from provisioning.web.tags import CHIPS, icon

register = template.Library()


@register.simple_tag
def timespan(begun: datetime, ended: datetime | None = None) -> str:
    """``12 s`` from ``begun`` to ``ended``, or to now."""
    return duration(ended - begun) if ended else so_far(timezone.now() - begun)


@register.simple_tag
def step_cell(step: JobStep | None) -> SafeString:
    """A step in one cell of the grid: an icon with its word for screen readers, and how long it took."""
    if step is None:
        return format_html('<span class="muted" aria-label="no such step">{}</span>', "–")
    kind, name = CHIPS[StepState(step.state)]
    took = ""
    if step.started_at and step.finished_at:
        took = duration(step.finished_at - step.started_at)
    elif step.started_at and step.state == StepState.RUNNING:
        took = format_html('<span data-elapsed-from="{}">{}</span>', step.started_at.isoformat(),
                           timespan(step.started_at))
    return format_html('<span class="cell cell-{}" title="{}">{} {}</span>', kind, step.get_state_display(),
                       icon(name, step.get_state_display()), took)
