"""``manage.py restore``: a console as a backup has it."""

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings

from console.backup.restorer import SETTINGS_PLACE, Restorer
from console.backup.sealed import CannotOpen
from console.relocation.target import Unfit
from console.up.errors import CannotStart
from console.up.record import RunRecord, end_leftovers
from provisioning.errors import Refused
from provisioning.management.console import OK, ServiceCommand


class Command(ServiceCommand):
    help = ("Put a backup back, while this console does not run (docs/backup.md, Backup and restore). Exit codes: 0 "
            "restored, 2 refused.")
    command_name = "restore"
    of_this_version = False  # it takes the place of a database of any version, and looks at that of the backup itself

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--over", action="store_true",
                            help="also where a console is: what it has is put aside, in before-restore-TIME")

    def run(self, *, file: Path, over: bool, **options) -> int:
        record = RunRecord(settings.PAIRWISE_DATA_DIR)
        try:
            record.take()
            # What a run that was killed has left has the databases open.
            end_leftovers(record.read())
            try:
                restorer = Restorer(file.absolute(), settings.PAIRWISE_BACKUP_KEY, over=over, say=self.stdout.write)
                restorer.restore()
            finally:
                record.close()
        except (CannotOpen, CannotStart, Unfit) as error:
            raise Refused(str(error)) from None
        except OSError as error:
            raise Refused(f"{settings.PAIRWISE_DATA_DIR} cannot be written ({error.strerror or error}): make room or "
                          "correct the rights, then restore again.") from None
        self._say_what_next(restorer)
        return OK

    def _say_what_next(self, restorer: Restorer) -> None:
        say, data_dir = self.stdout.write, settings.PAIRWISE_DATA_DIR
        if restorer.aside.exists():
            say(f"What was there is in {restorer.aside}.")
        say(f"Settings that the backup's console ran with are in {data_dir / SETTINGS_PLACE}: compare them with yours.")
        say("Now start all hosts, then Pairwise. Pairs whose servers know more than this backup decide nothing by "
            "themselves: Restored Database (./run manage restored) says so, and leads out of it.")
