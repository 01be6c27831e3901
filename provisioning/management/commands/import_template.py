from provisioning.catalog.apd import MAX_BYTES
from provisioning.catalog.services.templates import import_template
from provisioning.management.imports import ImportCommand


class Command(ImportCommand):
    help = "Import Application Templates (.apd). Exit codes: 0 done, 2 refused."
    command_name = "import_template"
    rows_called = "templates"

    def keep(self, name, stream):
        return import_template(actor=self.actor, file_name=name, content=stream.read(MAX_BYTES + 1))

    def described(self, row) -> str:
        return f"{row.get_type_display()}, version {row.version}"
