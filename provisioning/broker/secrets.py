"""Every secret that a file about some objects must not hold, when it leaves the console."""

from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from django.conf import settings

from provisioning.broker.rules import addresses_at_rabbitmq, password_of
from provisioning.core.control_client import control_secrets
from provisioning.keys import all_keys
from provisioning.models import Application, AuditTarget, Channel, Host, HostEnrolment, Option


def known_secrets(applications: Iterable[Application], hosts: Iterable[Host]) -> set[str]:
    """Secrets of these objects and of the console itself, in plain text."""
    keys = {row.pk for row in applications}
    options = Option.objects.filter(application_id__in=keys, secret_value__isnull=False)
    host_keys = {row.pk for row in hosts}
    found = {*Application.objects.filter(pk__in=keys).values_list("secret", flat=True),
             *options.values_list("secret_value", flat=True), *_of_the_console()}
    for secret in Host.objects.filter(pk__in=host_keys).values_list("secret", flat=True):
        found |= {secret, password_of(secret)}
    for row in HostEnrolment.objects.filter(host_id__in=host_keys):
        found |= {row.token, row.nonce}
    for channel in Channel.objects.all():
        found |= set(channel.secret_fields.values())
    for target in AuditTarget.objects.all():
        found |= set(target.secrets.values())
    return {each for each in found if each}


def _of_the_console() -> Iterator[str]:
    yield from all_keys()
    yield from control_secrets()
    yield settings.EMBEDDED_REDIS_PASSWORD
    yield from (settings.PAIRWISE_ADMIN_PASSWORD, settings.PAIRWISE_MOVE_PASSWORD, settings.PAIRWISE_BACKUP_KEY)
    yield from (str(database.get("PASSWORD") or "") for database in settings.DATABASES.values())
    for address in (settings.PAIRWISE_REDIS_URL, settings.PAIRWISE_BROKER_URL, settings.PAIRWISE_SMTP_URL,
                    *addresses_at_rabbitmq(settings.PAIRWISE_BROKER_URL_FOR_HOSTS).values()):
        yield unquote(urlsplit(address).password or "")
