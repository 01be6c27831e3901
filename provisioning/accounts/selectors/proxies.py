"""Whether a proxy is in front of the console that the settings do not name: all people then have its address."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from provisioning.core import ages
from provisioning.models import ComponentHeartbeat

NOTE = "forwarded"
"""Left by the web process when a request says for whom it was forwarded, and no proxy is named."""
FOLLOWS = ("Everybody who comes through it has its address: the failed sign-ins of one lock all, and History does not "
           "say where anybody was.")
HINT = "Set PAIRWISE_TRUSTED_PROXIES to the addresses of the proxy, and restart the console (docs/proxy.md)."


def unnamed_by_settings() -> str:
    """"" or a sentence: the settings themselves say that there is a proxy."""
    if settings.PAIRWISE_TRUSTED_PROXIES or not settings.PAIRWISE_HTTPS:
        return ""
    return f"A proxy is in front (PAIRWISE_HTTPS=1) that PAIRWISE_TRUSTED_PROXIES does not name. {FOLLOWS}"


def unnamed_as_seen(now: datetime) -> str:
    """"" or a sentence: a request came by way of a proxy within ages.PROXY. Who is none can send such a request too."""
    if settings.PAIRWISE_TRUSTED_PROXIES:
        return ""
    found = ComponentHeartbeat.objects.filter(name=NOTE, at__gt=now - ages.PROXY).first()
    if found is None:
        return ""
    return (f"Requests from {found.facts.get('address', '?')} say that they were forwarded (X-Forwarded-For), and "
            f"PAIRWISE_TRUSTED_PROXIES names no proxy. If one is there: {FOLLOWS[0].lower()}{FOLLOWS[1:]} If none is, "
            "somebody makes that up, and it is not believed.")


def unnamed_proxy() -> str:
    """"" or what is wrong, and what to do."""
    why = unnamed_by_settings() or unnamed_as_seen(timezone.now())
    return f"{why} {HINT}" if why else ""
