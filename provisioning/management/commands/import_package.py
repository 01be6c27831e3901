from pathlib import Path

from provisioning.errors import Refused
from provisioning.management.console import OK, ServiceCommand
from provisioning.services.packages import import_package


class Command(ServiceCommand):
    help = "Import Installation Packages (.tar.gz). Exit codes: 0 done, 2 refused."
    command_name = "import_package"

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE")
        self.add_json(parser)

    def run(self, *, files, as_json, **options) -> int:
        rows = []
        for path in files:
            try:
                with open(path, "rb") as stream:
                    rows.append(import_package(actor=self.actor, file_name=Path(path).name, stream=stream))
            except OSError as error:
                raise Refused(f"{path} cannot be read: {error.strerror}.") from None
        if as_json:
            self.print_json({"packages": [{"id": row.pk, "name": row.name, "version": row.version, "type": row.type,
                                           "sha256": row.sha256} for row in rows]})
        else:
            for row in rows:
                self.stdout.write(f"{row} ({row.get_type_display()}, {row.get_os_type_display()}) is there.")
        return OK
