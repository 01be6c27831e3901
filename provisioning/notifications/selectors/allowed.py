"""What the settings of this console let a message do."""

from django.conf import settings

from provisioning.notifications.rules.addresses import Allowed


def allowed_addresses() -> Allowed:
    return Allowed(loopback=settings.PAIRWISE_WEBHOOK_LOOPBACK, http=settings.PAIRWISE_WEBHOOK_HTTP)
