"""That a request was forwarded by whoever no setting names (``accounts.selectors.proxies``)."""

from provisioning.accounts.selectors.proxies import NOTE
from provisioning.models import ComponentHeartbeat


def note_forwarded(address: str) -> None:
    """A request from there says for whom it was forwarded."""
    ComponentHeartbeat.show(NOTE, address=address[:64])
