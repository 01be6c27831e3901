"""What only the pages of the operations side write."""

from datetime import datetime

from django import template
from django.utils import timezone

from provisioning.templatetags.pairwise import duration

register = template.Library()


@register.simple_tag
def timespan(begun: datetime, ended: datetime | None = None) -> str:
    """``12 s`` from ``begun`` to ``ended``, or to now."""
    return duration((ended or timezone.now()) - begun)
