"""That a request was forwarded by whoever no setting names (``selectors.proxies``)."""

from django.utils import timezone

from provisioning.models import ComponentHeartbeat
from provisioning.selectors.proxies import NOTE


def note_forwarded(address: str) -> None:
    """A request from there says for whom it was forwarded."""
    ComponentHeartbeat.objects.update_or_create(name=NOTE, defaults={"at": timezone.now(), "facts": {
        "address": address[:64]}})
