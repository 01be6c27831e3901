"""What the commands that import files share."""

import abc
from pathlib import Path
from typing import BinaryIO

from django.db.models import Model

from provisioning.errors import Refused

from .console import OK, ServiceCommand


class ImportCommand(ServiceCommand):
    """Imports each file that is named. ``rows_called``: what its JSON calls them, which says ``columns`` of each."""

    rows_called = ""
    columns: tuple[str, ...] = ("name", "version", "type")

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE")
        self.add_json(parser)

    @abc.abstractmethod
    def keep(self, name: str, stream: BinaryIO) -> Model:
        """Import one file. Raises Refused, and OSError of ``stream``."""

    @abc.abstractmethod
    def described(self, row: Model) -> str:
        """What to say in brackets of one that was imported."""

    def run(self, *, files, as_json, **options) -> int:
        rows = []
        for path in files:
            try:
                with open(path, "rb") as stream:
                    rows.append(self.keep(Path(path).name, stream))
            except OSError as error:
                raise Refused(f"{path} cannot be read: {error.strerror}.") from None
        if as_json:
            self.print_json({self.rows_called: [
                {"id": row.pk, **{name: getattr(row, name) for name in self.columns}} for row in rows]})
        else:
            for row in rows:
                self.stdout.write(f"{row} ({self.described(row)}) is there.")
        return OK
