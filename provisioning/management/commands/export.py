from provisioning.applications.selectors.applications import find_application
from provisioning.fleet.services.export import export_document, export_yaml
from provisioning.management.console import OK, ServiceCommand


class Command(ServiceCommand):
    help = ("Print hosts, applications, alarm conditions, channels and notification rules as the YAML that apply "
            "reads. Secrets are masked; apply keeps the stored ones.")
    command_name = "export"

    def add_arguments(self, parser):
        parser.add_argument("names", nargs="*", metavar="NAME", help="Only these applications and their hosts.")
        self.add_json(parser)

    def run(self, *, names, as_json, **options) -> int:
        for name in names:
            find_application(name)
        if as_json:
            self.print_json(export_document(names=names or None))
        else:
            self.stdout.write(export_yaml(names=names or None), ending="")
        return OK
