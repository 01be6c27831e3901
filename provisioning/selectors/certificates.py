"""Certificates as they are now: of the console itself, and of servers as they last reported them."""

from django.conf import settings
from django.utils import timezone

from protocol.tls import expires_at
from provisioning.models import Application
from provisioning.rules.certificates import Certificate, certificate, certificates_of_ports


def console_certificate() -> Certificate | None:
    """That of web and control, or of the authority when that ends before; None while both speak plain."""
    if not (settings.PAIRWISE_CONTROL_TLS or settings.PAIRWISE_WEB_TLS):
        return None
    ends = expires_at(settings.PAIRWISE_TLS_CERTIFICATE, *filter(None, [settings.PAIRWISE_TLS_CA]))
    return certificate("Web and control", ends, timezone.now().timestamp())


def certificates_of(row: Application) -> tuple[Certificate, ...]:
    """Those of the application's secured ports, as its server last reported them."""
    runtime = getattr(row, "runtime", None)
    return certificates_of_ports(runtime.ports, timezone.now().timestamp()) if runtime else ()
