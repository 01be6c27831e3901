"""What a host's page shows of the looks on it."""

from dataclasses import dataclass

from django import template

from provisioning.core.control import control_of
from provisioning.core.permissions import AUDIT, actor_of, sentence_for
from provisioning.jobs.selectors.readiness import look_refusals
from provisioning.models import Host, Job

from .services import active_look
from .shown import Looked, looked_at

register = template.Library()

APPLICATIONS_SHOWN = 200


@dataclass(frozen=True)
class Looks:
    """``found``: by the last one; ``job``: the one under way; ``why_not``: no other can be asked for."""

    found: Looked | None
    job: Job | None
    why_not: str


@register.simple_tag(takes_context=True)
def looks_on(context, host: Host) -> Looks:
    """What the last look found, of all applications with ``?looked``."""
    request = context["request"]
    return Looks(found=looked_at(host, None if "looked" in request.GET else APPLICATIONS_SHOWN), job=active_look(host),
                 why_not=_why_not(host, actor_of(request)))


def _why_not(host: Host, actor) -> str:
    if not actor.may(AUDIT):
        return sentence_for(AUDIT)
    stands = look_refusals([host], control_of(host))[host.pk]
    return stands[0].message if stands else ""
