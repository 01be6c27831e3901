"""Certificates as they are now: of the console itself, and of servers as they last reported them."""

from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from protocol.names import LOOPBACK
from protocol.tls import expires_at
from provisioning.applications.selectors.told import Told
from provisioning.models import Application

from .rules import Certificate, certificate, certificates_of_ports


def console_certificate() -> Certificate | None:
    """That of web and control, or of the authority when that ends before; None while both speak plain."""
    if not (settings.PAIRWISE_CONTROL_TLS or settings.PAIRWISE_WEB_TLS):
        return None
    ends = expires_at(settings.PAIRWISE_TLS_CERTIFICATE, *filter(None, [settings.PAIRWISE_TLS_CA]))
    return certificate("Web and control", ends, timezone.now().timestamp())


def plain_listeners() -> list[tuple[str, str]]:
    """(which, sentence) of what other machines reach without TLS: what somebody chose, and the broker, where the
    embedded Redis cannot do it."""
    found = []
    if settings.PAIRWISE_HOST not in LOOPBACK and not settings.SESSION_COOKIE_SECURE:
        found.append(("Web", f"The web console listens on {settings.PAIRWISE_HOST} without HTTPS, as PAIRWISE_WEB_TLS "
                             "or PAIRWISE_CONSOLE_URL say: passwords and secrets of hosts can be read on the network."))
    if settings.PAIRWISE_CONTROL_HOST not in LOOPBACK and not settings.PAIRWISE_CONTROL_TLS:
        found.append(("Control", f"Control listens on {settings.PAIRWISE_CONTROL_HOST} without TLS, as "
                                 "PAIRWISE_CONTROL_TLS says: passcodes of clients can be read on the network."))
    where = urlsplit(settings.PAIRWISE_REDIS_URL)
    elsewhere = where.scheme == "redis" and (where.hostname or "localhost") not in LOOPBACK
    if settings.EMBEDDED_REDIS_PASSWORD or elsewhere:
        found.append(("Broker", "Redis is reached without TLS: who listens on the network sees the passwords of hosts' "
                                "accounts there. Jobs are signed and carry no secrets. For TLS use a Redis of your own "
                                "(PAIRWISE_REDIS_URL with rediss://, PAIRWISE_REDIS_CA)."))
    return found


def certificates_of(row: Application | Told) -> tuple[Certificate, ...]:
    """Those of the application's secured ports, as its server last reported them."""
    runtime = getattr(row, "runtime", None)
    return certificates_of_ports(runtime.ports, timezone.now().timestamp()) if runtime else ()
