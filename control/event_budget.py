"""How much one server, and one host with all of its servers, may add to the timeline, so that none pushes out what is
known of others. What a peer says and what control says of it count alike; refusals and alarms have an allowance of
their own."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from provisioning.models.records import is_kept_apart
from provisioning.states import EventSource

from .facts import EventRow
from .peers import Bucket

TELL_AFTER_S = 60.0


@dataclass(frozen=True)
class Allowance:
    """Entries a second, and at once."""

    rate: float
    burst: int


ALLOWANCES = {("application", False): Allowance(1 / 2, 2000), ("host", False): Allowance(1 / 2, 10_000),
              ("application", True): Allowance(1 / 10, 500), ("host", True): Allowance(1 / 10, 1000)}
"""By whose they are, and whether they are kept apart. All servers of a host may start at once."""
Whose = tuple[str, int]
NamesOf = Callable[[int | None, int | None], tuple[str, str]]


class EventBudget:
    """``host_of`` gives the host of an application, None for none; ``names_of`` the names of an application and of a
    host, "" for what is not known."""

    def __init__(self, host_of: Callable[[int], int | None] = lambda application_id: None,
                 names_of: NamesOf = lambda application_id, host_id: ("", ""), *,
                 clock: Callable[[], float] = time.monotonic):
        self._host_of, self._names_of, self._clock = host_of, names_of, clock
        self._buckets: dict[tuple[Whose, bool], Bucket] = {}
        self._left_out: dict[Whose, tuple[float, int]] = {}

    def located(self, row: EventRow) -> EventRow:
        """``row`` with the host that its application is on now and with the names of both, which it keeps when they
        are deleted."""
        host_id = self._host_id(row)
        application_name, host_name = self._names_of(row.application_id, host_id)
        return replace(row, host_id=host_id, application_name=application_name, host_name=host_name)

    def takes(self, row: EventRow) -> bool:
        """False when it is to be left out; it is counted then."""
        apart, owners = is_kept_apart(row), self._owners(row)
        # What a server is not allowed does not count against its host.
        if all(self._bucket(whose, apart).take() for whose in owners):
            return True
        since, count = self._left_out.get(owners[0], (self._clock(), 0))
        self._left_out[owners[0]] = since, count + 1
        return False

    def left_out(self) -> list[EventRow]:
        """What is to be told now of entries that were left out."""
        due = [whose for whose, (since, _) in self._left_out.items() if self._clock() - since >= TELL_AFTER_S]
        return [self.located(_notice(whose, self._left_out.pop(whose)[1])) for whose in due]

    def forget(self, application_id: int) -> None:
        whose = "application", application_id
        self._left_out.pop(whose, None)
        for apart in (False, True):
            self._buckets.pop((whose, apart), None)

    def _owners(self, row: EventRow) -> list[Whose]:
        """None of what strangers caused: they use up nobody's allowance, and are bounded where they are refused."""
        if row.source == EventSource.STRANGER:
            return []
        return [(kind, key) for kind, key in (("application", row.application_id), ("host", self._host_id(row))) if key]

    def _host_id(self, row: EventRow) -> int | None:
        return row.host_id or (self._host_of(row.application_id) if row.application_id else None)

    def _bucket(self, whose: Whose, apart: bool) -> Bucket:
        if (whose, apart) not in self._buckets:
            allowance = ALLOWANCES[whose[0], apart]
            self._buckets[whose, apart] = Bucket(allowance.rate, allowance.burst, self._clock)
        return self._buckets[whose, apart]


def _notice(whose: Whose, count: int) -> EventRow:
    kind, key = whose
    return EventRow(at=datetime.now(UTC), text=f"{count} entries were left out here: more came than the timeline takes "
                                               f"of one {'server' if kind == 'application' else 'host'}.",
                    application_id=key if kind == "application" else None, host_id=key if kind == "host" else None)
