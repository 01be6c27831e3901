"""What the console worker noted of the broker (``jobs.broker_access``): pages need not ask it themselves."""

from dataclasses import dataclass

from provisioning.models import ComponentHeartbeat

NOTE = "broker"


@dataclass(frozen=True)
class Broker:
    """``why``: a sentence, when hosts can have no accounts there. ``server`` and ``program``: name with version and
    path of the server, "" while nobody has looked."""

    why: str = ""
    server: str = ""
    program: str = ""


def broker() -> Broker:
    facts = ComponentHeartbeat.objects.filter(name=NOTE).values_list("facts", flat=True).first() or {}
    return Broker(**{name: str(facts.get(name, "")) for name in ("why", "server", "program")})
