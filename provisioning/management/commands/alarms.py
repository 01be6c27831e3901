import json

from provisioning.alarms import shown
from provisioning.alarms.selectors.alarms import ACTIVE, ALL, alarm_list
from provisioning.management.console import OK, ServiceCommand


class Command(ServiceCommand):
    help = "Print the alarms that are active (docs/alarms.md), the gravest first."
    command_name = "alarms"

    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true", dest="with_cleared",
                            help="After them those that were cleared, the newest first.")
        parser.add_argument("--json", action="store_true", dest="as_json", help="One JSON array on stdout.")

    def run(self, *, with_cleared, as_json, **options) -> int:
        rows = alarm_list(state=ALL if with_cleared else ACTIVE)
        if as_json:
            self.stdout.write(json.dumps([shown.values(row) for row in rows], ensure_ascii=False, indent=1))
            return OK
        lines = [shown.line(row) for row in rows]
        for line in lines:
            self.stdout.write(line)
        if not lines:
            self.stderr.write("There is no alarm." if with_cleared else "No alarm is active.")
        return OK
