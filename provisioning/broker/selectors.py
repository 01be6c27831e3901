"""What the console worker noted of the broker (``broker.worker.access``): pages need not ask it themselves."""

from dataclasses import dataclass

from django.conf import settings

from provisioning.models import ComponentHeartbeat

from . import rules

NOTE = "broker"


@dataclass(frozen=True)
class Broker:
    """``why``: a sentence, when hosts can have no accounts there. ``server`` and ``program``: name with version and
    path of the server, "" while nobody has looked."""

    why: str = ""
    server: str = ""
    program: str = ""


def why_not_at_rabbitmq(host: str) -> str:
    """Why this host may not join while a RabbitMQ carries the jobs, "" when it may or when it is Redis that does."""
    if not settings.PAIRWISE_BROKER_URL:
        return ""
    return rules.why_not_at_rabbitmq(settings.PAIRWISE_BROKER_URL, settings.PAIRWISE_BROKER_URL_FOR_HOSTS, host)


def broker() -> Broker:
    facts = ComponentHeartbeat.objects.filter(name=NOTE).values_list("facts", flat=True).first() or {}
    return Broker(**{name: str(facts.get(name, "")) for name in ("why", "server", "program")})
