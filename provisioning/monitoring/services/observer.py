"""Looks now and then at what nobody else tells of: parts of the console that do not answer, and automatic failover that
has been paused for long. It runs in the process of the log reader, so it says nothing of that one."""

import asyncio
import logging
import time
from datetime import timedelta

from django.db import DatabaseError
from django.utils import timezone

from protocol.events import Own
from provisioning.core.database_thread import DatabaseThread
from provisioning.core.events import last_of, of_console
from provisioning.models import Event, PairState
from provisioning.monitoring.rules.troubles import Troubles
from provisioning.pairs.selectors.pairs import has_backup

from .health import health

log = logging.getLogger(__name__)
LOOK_S = 10.0
PAUSED_FOR = timedelta(hours=1)
ABOUT_COMPONENTS = (Own.COMPONENT_DOWN, Own.COMPONENTS_BACK)


class Observer:
    def __init__(self) -> None:
        self._troubles: Troubles | None = None

    async def run(self) -> None:
        """Until it is cancelled, or something fails that is no trouble of a database."""
        database = DatabaseThread("observer")
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                try:
                    await database.do(self.look)
                except DatabaseError as error:
                    log.info("What is down was not told: %s", error)
        finally:
            await database.end()

    def look(self) -> None:
        """Tell what is new. Raises DatabaseError."""
        if self._troubles is None:
            # What a former log reader told of is not known by name.
            self._troubles = Troubles(None if last_of(ABOUT_COMPONENTS) == Own.COMPONENT_DOWN else frozenset())
        if (found := self._troubles.look(health(), time.monotonic())) is not None:
            down, number, text = found
            of_console(number, text).save()
            self._troubles.told = down
        tell_of_long_pauses()


def tell_of_long_pauses() -> None:
    """Once each pause."""
    paused = PairState.objects.filter(has_backup("primary__"), automatic_failover=False,
                                      paused_at__lte=timezone.now() - PAUSED_FOR)
    rows = list(paused.values_list("primary_id", "primary__name", "paused_by", "paused_reason", "paused_at"))
    told = {} if not rows else dict(Event.objects.filter(
        number=Own.PAUSED_LONG, application_id__in=[row[0] for row in rows]).order_by("id").values_list(
        "application_id", "at"))
    Event.objects.bulk_create([
        of_console(Own.PAUSED_LONG, f"Automatic failover of {name} has been paused for an hour, by {by or 'somebody'}: "
                                    f"{reason}", application_id=key)
        for key, name, by, reason, at in rows if at is not None and (key not in told or told[key] < at)])
