"""What looks on hosts are about."""

from django.db.models import QuerySet

from provisioning.models import Application
from provisioning.models.applications import PLACEHOLDERS
from provisioning.states import RUNNABLE_TYPES


def installed() -> QuerySet[Application]:
    """What Pairwise runs, where it is installed."""
    found = Application.objects.filter(type__in=RUNNABLE_TYPES, host__isnull=False)
    return found.exclude(working_directory__in=PLACEHOLDERS).exclude(command_line__in=PLACEHOLDERS)
