"""The last hour of the servers that a list shows: one query, however many they are."""

import logging
import time
from collections.abc import Iterable

from django.db import DatabaseError

from provisioning.charts.facts import NAN
from provisioning.charts.rules.blocks import SIZE, block_of
from provisioning.charts.rules.minutes import MINUTES, Hour, moved
from provisioning.charts.rules.packing import unpacked
from provisioning.logbook.models import LastHour

log = logging.getLogger(__name__)
LATE_MINUTES = 2
"""The minute that has just ended is written a bit later."""


def last_hours(keys: Iterable[int]) -> dict[int, Hour]:
    """{server: messages acknowledged a second, a number a minute}; who is not in it has not been heard of. Nothing
    while the log database does not answer: a list is there without it."""
    wanted = set(keys)
    if not wanted:
        return {}
    try:
        rows = list(LastHour.objects.filter(block__in={block_of(key) for key in wanted}))
    except DatabaseError as error:
        log.info("Lists show no last hour: %s", error)
        return {}
    now = int(time.time()) // 60
    return {key: hour for row in rows for key, hour in _of_block(row, now).items() if key in wanted}


def _of_block(row: LastHour, now: int) -> dict[int, Hour]:
    try:
        places, columns = unpacked(bytes(row.figures), MINUTES)
    except ValueError:
        return {}
    late = now - row.minute - LATE_MINUTES
    return {row.block * SIZE + place: moved(tuple(hour), late, NAN)
            for place, hour in zip(places, zip(*columns, strict=True), strict=True)}
