"""What looks on hosts are about."""

from django.db.models import Q, QuerySet

from provisioning.models import Application
from provisioning.states import ApplicationType


def members() -> Q:
    """What is looked at: Message Servers and members of pairs."""
    return Q(type=ApplicationType.MESSAGE_SERVER) | Q(backup_server__isnull=False) | Q(primary_server__isnull=False)


def installed() -> QuerySet[Application]:
    """Those of them that are installed."""
    return Application.objects.filter(members(), host__isnull=False).exclude(working_directory__in=("", ".")).exclude(
        command_line__in=("", "."))
