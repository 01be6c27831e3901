import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from provisioning.audit.exports.stored_results import moment_of, primaries_named
from provisioning.errors import Refused
from provisioning.management.console import OK, ServiceCommand
from provisioning.support.services.bundle import make_bundle

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Command(ServiceCommand):
    help = ("Everything that somebody needs to help with a pair, in one zip, without secrets. Exit codes: 0 done, "
            "2 refused.")
    command_name = "support_bundle"

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="Name of either member, or of a single Message Server.")
        parser.add_argument("--since", default="24h", metavar="WHEN",
                            help="Beginning: 30m, 24h, 7d ago, or a date and time (default %(default)s).")
        parser.add_argument("--until", default="", metavar="WHEN", help="End, written alike (default now).")
        parser.add_argument("--output", default="", metavar="FILE",
                            help="The zip (default pairwise-support-NAME-TIME.zip here). It must not be there yet.")
        self.add_json(parser)

    def run(self, *, name, since, until, output, as_json, **options) -> int:
        now = timezone.now()
        bundle = make_bundle(actor=self.actor, application_id=primaries_named([name])[0], since=moment(since, now),
                             until=moment(until, now) if until else now)
        path = Path(output or bundle.name)
        with bundle.file:
            try:
                with open(path, "xb") as file:
                    shutil.copyfileobj(bundle.file, file)
            except FileExistsError:
                raise Refused(f"{path} is there already. Name another file.") from None
            except OSError as error:
                raise Refused(f"{path} cannot be written: {error.strerror or error}. Name another file.") from None
        if as_json:
            self.print_json({"file": str(path), "bytes": bundle.size, "files": bundle.parts, "notes": bundle.notes})
        else:
            for note in bundle.notes:
                self.stdout.write(note)
            self.stdout.write(f"{path}: {bundle.parts} files, {bundle.size:,} bytes. README.txt in it says what they "
                              "are.")
        return OK


def moment(text: str, now: datetime) -> datetime:
    """Of 30m, 24h, 7d (ago) or a date and time. Raises Refused."""
    if ago := re.fullmatch(r"(\d{1,5})([mhd])", text):
        return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    return moment_of(text, now)
