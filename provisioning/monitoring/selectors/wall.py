"""What the wall display shows."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils import timezone

from provisioning.alarms.selectors.alarms import MASKED, alarm_list, count_in
from provisioning.core.control import control_seen
from provisioning.logs.selectors.reader import silent_since
from provisioning.models import Alarm, Console
from provisioning.monitoring.rules.wall import TROUBLE, Overall, overall
from provisioning.pairs.rules.story import OK
from provisioning.pairs.selectors.page import PairRow, pair_count, pair_list

from .monitoring import StatusCount, application_counts, host_counts

ALARMS, PAIRS = 8, 8
"""So many are named; how many more there are is said."""


@dataclass(frozen=True)
class Wall:
    overall: Overall
    alarms: list[Alarm]
    alarm_total: int
    pairs: list[PairRow]
    pairs_in_trouble: int
    pair_total: int
    applications: list[StatusCount]
    hosts: list[StatusCount]
    at: datetime

    @property
    def icon(self) -> str:
        return "icon.svg" if self.overall.level == OK else "icon-alarm.svg"


def wall() -> Wall:
    active = Alarm.objects.filter(cleared_at=None, masked=False)
    by_category = dict(active.order_by().values_list("category").annotate(Count("id")))
    pairs = [row for row in pair_list(show="trouble") if row.headline.level in TROUBLE]
    levels = Counter(row.headline.level for row in pairs)
    return Wall(
        overall=overall(control_answers=control_seen().answers, reader_answers=silent_since() is None, pairs=levels,
                        alarms=by_category, masked=count_in(MASKED)),
        alarms=list(alarm_list()[:ALARMS]), alarm_total=sum(by_category.values()), pairs=pairs[:PAIRS],
        pairs_in_trouble=len(pairs), pair_total=pair_count(), applications=application_counts(), hosts=host_counts(),
        at=timezone.now())


def digest_now() -> str:
    """What the token of the address is compared with, "" while there is none."""
    return Console.objects.filter(pk=1).values_list("wall_digest", flat=True).first() or ""


def made_by() -> tuple[str, datetime] | None:
    """Who made the address that is good now, and when."""
    row = Console.objects.filter(pk=1).exclude(wall_digest="").first()
    return (row.wall_by, row.wall_at) if row and row.wall_at else None
