from provisioning.catalog.services.packages import import_package
from provisioning.management.imports import ImportCommand


class Command(ImportCommand):
    help = "Import Installation Packages (.tar.gz). Exit codes: 0 done, 2 refused."
    command_name = "import_package"
    rows_called, columns = "packages", (*ImportCommand.columns, "sha256")

    def keep(self, name, stream):
        return import_package(actor=self.actor, file_name=name, stream=stream)

    def described(self, row) -> str:
        return f"{row.get_type_display()}, {row.get_os_type_display()}"
