"""What a field that names another object can be set to: some at a time, out of any number, found by typing."""

from dataclasses import dataclass

from django.db.models import Model, QuerySet

from provisioning.core.text import key_of
from provisioning.models import Application, ApplicationTemplate, Host
from provisioning.spelling import by_name
from provisioning.states import SERVER_TYPES

PICKED: dict[str, type[Model]] = {"template_id": ApplicationTemplate, "host_id": Host, "backup_server_id": Application,
                                  "server_id": Application}
CHOICES_STEP, CHOICES_MAX = 200, 2000
"""So many are offered, and so many more each time; more than the second are only found by typing."""


@dataclass(frozen=True)
class Choices:
    """``rows``: (key, name, chosen), the ``listed`` first of those ``found`` to hold ``text`` in their names, out of
    ``total``, and before them what is chosen now where it is none of them."""

    rows: list[tuple[int, str, bool]]
    listed: int
    text: str
    found: int
    total: int
    next_most: int = 0
    """How many to ask for to get more, 0 when that does not help."""

    @property
    def keeps_another(self) -> bool:
        """Whether the first row is only there because it is chosen."""
        return len(self.rows) > self.listed

    @property
    def has_more(self) -> bool:
        return self.found > self.listed


def choices(field: str, *, text: str = "", chosen: str = "", but: int | None = None,
            most: int = CHOICES_STEP) -> Choices:
    """What ``field`` (a key of PICKED) can be set to, by name: the first ``most`` that hold ``text``, and whatever is
    ``chosen`` now, first when it is none of them. ``but``: the application that cannot name itself."""
    most, text = max(1, min(most, CHOICES_MAX)), text.strip()
    of_all = _rows(field, but)
    of_text = of_all.filter(name__holds=text) if text else of_all
    rows = list(of_text.order_by(*by_name("name")).values_list("pk", "name")[:most])
    total, listed, key = of_all.count(), len(rows), key_of(chosen)
    found = of_text.count() if text else total
    if key is not None and key not in {each for each, _ in rows}:
        rows = [*of_all.filter(pk=key).values_list("pk", "name"), *rows]
    step = most + CHOICES_STEP
    return Choices([(each, name, each == key) for each, name in rows], listed, text, found, total,
                   step if found > most and step <= CHOICES_MAX else 0)


def _rows(field: str, but: int | None) -> QuerySet:
    model = PICKED[field]
    rows = model._default_manager.all()
    if model is not Application:
        return rows
    servers = rows.filter(type__in=SERVER_TYPES)
    return servers.exclude(pk=but) if but else servers
