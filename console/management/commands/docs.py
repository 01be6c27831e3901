"""``manage.py docs``: the documentation as pages in a directory."""

from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings

from provisioning.errors import Refused
from provisioning.management.console import OK, ServiceCommand
from provisioning.manual.facts import INDEX, address_of
from provisioning.manual.site import write


class Command(ServiceCommand):
    help = ("Write the documentation as pages into a directory, for a web server or a browser alone; the console shows "
            "the same at /docs/. Exit codes: 0 written, 2 refused.")
    command_name = "docs"
    of_this_version = False  # it asks no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", nargs="?", type=Path, default=settings.PAIRWISE_DATA_DIR / "docs",
                            help="Where to (default: docs in the data directory).")

    def run(self, *, directory: Path, **options) -> int:
        try:
            number = write(directory)
        except OSError as error:
            raise Refused(f"{error.filename or directory} cannot be written ({error.strerror}): make room, correct "
                          "the rights, or name another directory.") from None
        self.stdout.write(f"{number} pages: open {directory.absolute() / address_of(INDEX)}")
        return OK
