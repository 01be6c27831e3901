"""How long certificates last, as pages show it."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from provisioning.models import Application
from provisioning.web.tags import BROKEN, RISK, level_chip

from . import selectors as certificates
from .rules import Certificate, most_urgent

register = template.Library()

LEVELS = {"soon": (RISK, "Certificate expires soon"), "urgent": (BROKEN, "Certificate expires"),
          "expired": (BROKEN, "Certificate expired")}


@register.simple_tag
def certificate_alarm(row: Application) -> SafeString | str:
    """The certificate of the application's ports that expires first, once it is time to renew it; else nothing."""
    found = most_urgent(certificates.certificates_of(row))
    return _chip(found) if found else ""


@register.simple_tag
def certificate_ends(row: Application) -> SafeString | str:
    """When the certificate of each secured port expires."""
    return format_html_join(", ", "{}", ((_end(each),) for each in certificates.certificates_of(row)))


@register.simple_tag
def is_secured(row: Application) -> bool:
    """True when a port of the application, as it is configured, is secured."""
    return any(port.is_secured for port in row.ports.all())


@register.simple_tag
def plain_listeners() -> SafeString:
    """What of the console speaks plain to other machines."""
    return format_html_join(" ", "{}", ((level_chip(RISK, f"{which} without TLS", sentence),)
                                        for which, sentence in certificates.plain_listeners()))


@register.simple_tag
def console_certificate() -> SafeString | str:
    """When the console's own certificate expires; nothing for a console that speaks plain."""
    found = certificates.console_certificate()
    return _end(found) if found else ""


def _chip(found: Certificate) -> SafeString:
    level, word = LEVELS[found.urgency]
    return level_chip(level, word, found.sentence)


def _end(found: Certificate) -> SafeString:
    when = f"{found.at:%Y-%m-%d}" if found.at else "not known"
    return format_html('<span title="{}">{} {}</span>{}', found.sentence, found.label, when,
                       format_html(" {}", _chip(found)) if found.urgency else "")
