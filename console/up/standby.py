"""Whether the control of this machine leads, for who starts it."""

from django.conf import settings


def standing() -> dict[str, str]:
    """``sentence``: that another control leads; "" when this one does, or nobody yet."""
    # Not above: `up` itself loads no models.
    from django.db import DatabaseError

    from control.leadership import instance_of
    from control.lease import LEADER
    from provisioning.record.models import Leadership

    try:
        row = Leadership.objects.filter(name=LEADER).first()
    except DatabaseError:
        row = None
    if row is None:
        return {"sentence": ""}
    return {"sentence": sentence(holder=row.holder, address=row.address, me=instance_of(settings.PAIRWISE_DATA_DIR))}


def sentence(*, holder: str, address: str, me: str) -> str:
    if holder in ("", me):
        return ""
    return f"Control here is the standby control: the one at {address} leads, and this one takes over when that is gone"
