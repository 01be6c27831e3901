"""``manage.py backup``: all that this console needs, in one file."""

import sqlite3
from argparse import ArgumentParser
from pathlib import Path

import psycopg
from django.conf import settings

from console.backup.maker import back_up
from console.backup.sealed import CannotOpen
from console.relocation.target import Unfit
from provisioning.errors import Refused
from provisioning.management.console import OK, ServiceCommand


class Command(ServiceCommand):
    help = ("Write databases, keys, certificates, packages and settings of this console into one file, while "
            "everything runs (docs/backup.md, Backup and restore). With PAIRWISE_BACKUP_KEY[_FILE] it is encrypted. "
            "Exit codes: 0 written and read back, 2 refused; then there is no file.")
    command_name = "backup"
    of_this_version = False  # before an upgrade, also of who has the new program already

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--without-log", action="store_true", help="leave log records and figures of charts out")

    def run(self, *, file: Path, without_log: bool, **options) -> int:
        key = settings.PAIRWISE_BACKUP_KEY
        try:
            size = back_up(file.absolute(), key, with_log=not without_log, say=self.stdout.write)
        except (CannotOpen, Unfit) as error:
            raise Refused(str(error)) from None
        except OSError as error:
            raise Refused(f"{file} cannot be written ({error.strerror or error}): make room, correct the rights, or "
                          "name another place.") from None
        except (sqlite3.Error, psycopg.Error) as error:
            raise Refused(f"A database cannot be read ({type(error).__name__}): ./run manage check says "
                          "more.") from None
        self.stdout.write(f"{file}: {size / 2**20:,.1f} MB, read back and whole")
        if not key:
            self.stdout.write("It is not encrypted, and holds every secret of this console: keep it where nobody else "
                              "reads. PAIRWISE_BACKUP_KEY encrypts it.")
        return OK
