"""``manage.py move``: the databases of this console, from SQLite to PostgreSQL."""

import sqlite3
from argparse import SUPPRESS, ArgumentParser

from django.conf import settings

from console.relocation.mover import Mover
from console.relocation.target import Unfit
from console.relocation.way_back import WayBack
from provisioning.errors import Refused
from provisioning.history import history
from provisioning.management.console import OK, REFUSED, ServiceCommand
from provisioning.models import Console, HistoryHead


class Command(ServiceCommand):
    help = ("Move the databases of this console from SQLite to PostgreSQL, beside a console that runs or without one "
            "(docs/backup.md, From SQLite to PostgreSQL). Exit codes: 0 moved, 2 refused; then nothing was changed.")
    command_name = "move"

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_mutually_exclusive_group(required=True)
        ways.add_argument("--to", default="", metavar="ADDRESS",
                          help="postgres://user@host/name, without a password: that is PAIRWISE_MOVE_PASSWORD's")
        ways.add_argument("--back", action="store_true",
                          help="to the SQLite files again, while nothing was changed since the move")
        ways.add_argument("--tell", default="", help=SUPPRESS)
        parser.add_argument("--log-to", default="", metavar="ADDRESS",
                            help="the database of log records; without it as --to, with _log behind the name")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def run(self, *, to: str, log_to: str, back: bool, yes: bool, tell: str, **options) -> int:
        if tell:
            return self._tell(tell)
        try:
            work = WayBack(self._say) if back else Mover(to, log_to, settings.PAIRWISE_MOVE_PASSWORD, self._say)
            for line in work.plan().lines():
                self._say(line)
            if not yes and not self.agreed("Move them?", otherwise="Add --yes."):
                return REFUSED
            work.move()
        except Unfit as error:
            raise Refused(str(error)) from None
        except sqlite3.Error as error:
            raise Refused(f"A database in {settings.PAIRWISE_DATA_DIR} cannot be read or held ({error}): end what else "
                          "works with it, then try again. Nothing was changed.") from None
        return OK

    def _tell(self, sentence: str) -> int:
        """As the process that moved them asks, whose own databases are others: History says so in those of this one.
        Prints where History ends, COUNT:DIGEST."""
        history.record_verb(actor=self.actor, row=Console.this(), reason=sentence)
        self.stdout.write(str(HistoryHead.objects.get(pk=1)))
        return OK

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
