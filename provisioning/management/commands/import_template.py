from pathlib import Path

from provisioning.apd import MAX_BYTES
from provisioning.errors import Refused
from provisioning.management.console import OK, ServiceCommand
from provisioning.services.templates import import_template


class Command(ServiceCommand):
    help = "Import Application Templates (.apd). Exit codes: 0 done, 2 refused."
    command_name = "import_template"

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE")
        self.add_json(parser)

    def run(self, *, files, as_json, **options) -> int:
        rows = []
        for path in files:
            try:
                with open(path, "rb") as stream:
                    content = stream.read(MAX_BYTES + 1)
            except OSError as error:
                raise Refused(f"{path} cannot be read: {error.strerror}.") from None
            rows.append(import_template(actor=self.actor, file_name=Path(path).name, content=content))
        if as_json:
            self.print_json({"templates": [{"id": row.pk, "name": row.name, "version": row.version, "type": row.type}
                                           for row in rows]})
        else:
            for row in rows:
                self.stdout.write(f"{row} ({row.get_type_display()}, version {row.version}) is there.")
        return OK
