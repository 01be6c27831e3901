"""What an older control database that was put back has left to say: pairs in dispute, and records in doubt."""

from dataclasses import dataclass

from provisioning.applications.selectors.applications import get_application
from provisioning.models import Application, PairState
from provisioning.spelling import by_name
from provisioning.states import RUNNABLE_TYPES

from .page import pair_rows


@dataclass(frozen=True)
class Disputed:
    """A pair, or a single server (``backup`` ""), about which control decides nothing; ``reason`` says why."""

    primary_id: int
    primary: str
    backup: str
    reason: str

    @property
    def name(self) -> str:
        return f"{self.primary} and {self.backup}" if self.backup else self.primary


def disputed(limit: int | None = None) -> list[Disputed]:
    """Everything in dispute, by name."""
    rows = PairState.objects.filter(disputed=True, primary__primary_server__isnull=True,
                                    primary__type__in=RUNNABLE_TYPES)
    columns = rows.order_by(*by_name("primary__name")).values_list(
        "primary_id", "primary__name", "primary__backup_server__name", "reason")
    return [Disputed(key, primary, backup or "", reason) for key, primary, backup, reason in columns[:limit]]


def members_of(application_id: int) -> tuple[Application, Application | None]:
    """Primary and backup (None for a single server) of the pair of this application, whichever member it is. Raises
    NotFound."""
    row = get_application(application_id)
    return pair_rows(getattr(row, "primary_server", row).pk)
