"""``manage.py runlog``: the reader of log records, the judge of alarms, who tells of them, who sends History on, and
what records figures."""

import asyncio
import signal
import sys

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from console.up.databases import provide_log
from console.up.errors import CannotStart
from console.up.keys import require_the_key
from protocol import hangups
from protocol.tasks import until_one_ends
from protocol.watchdog import Watchdog
from provisioning.alarms.services.reactions import react
from provisioning.alarms.worker.watch import Watch
from provisioning.charts.worker.recorder import Recorder
from provisioning.core.database_trouble import AWAY, LOG, Trouble
from provisioning.core.database_version import trouble_with
from provisioning.logbook.models import ALIAS
from provisioning.logs.worker.reader import Reader
from provisioning.monitoring.services.observer import Observer
from provisioning.notifications.worker.watch import Notifier
from provisioning.shipping.worker.watch import Shipper


class Command(BaseCommand):
    help = ("Read the log records of the chosen pair into the log database, judge alarms, send notifications and "
            "entries of History, and record figures for charts, until SIGTERM or SIGINT "
            "(docs/log.md, docs/alarms.md, docs/notifications.md, docs/audit-shipping.md, docs/charts.md).")
    requires_system_checks = []

    def handle(self, *args, **options):
        hangups.outlive()
        try:
            require_the_key()
            provide_log()
        except CannotStart as error:
            self.stderr.write(str(error))
            sys.exit(2)
        except DatabaseError as error:
            # The error's own text may hold an address or a password.
            said = (trouble_with(error, ALIAS) or Trouble(AWAY)).sentence_of(LOG)[:-1]
            self.stderr.write(f"{said}: check PAIRWISE_LOG_DATABASE_URL and the free space.")
            sys.exit(2)
        asyncio.run(_until_asked())


async def _until_asked() -> None:
    """Until a signal asks to end, or one of its parts ends by an error, which is raised."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    with Watchdog() as watchdog:
        showing = watchdog.show_life() if watchdog.every_s else asked.wait()
        await until_one_ends(Reader().run(), Watch().run(), Notifier().run(), Shipper().run(), Observer().run(),
                             react(), Recorder().run(), asked.wait(), showing)
