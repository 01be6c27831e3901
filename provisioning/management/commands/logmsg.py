from protocol.log_records import LEVELS, LogRecord
from provisioning.logs.services.records import WITHIN_S, publish
from provisioning.management.console import OK, ServiceCommand


class Command(ServiceCommand):
    help = ("Publish one log record to the pair that is chosen at Monitoring > Centralized Log > Settings. Exit codes: "
            "0 the pair has acknowledged it, 1 nobody acknowledged it, 2 refused.")
    command_name = "logmsg"

    def add_arguments(self, parser):
        parser.add_argument("text", metavar="TEXT")
        parser.add_argument("--application", required=True, metavar="NAME", help="Whose record it is.")
        parser.add_argument("--number", required=True, metavar="EVENT", help="Its event, as 00-04504.")
        parser.add_argument("--level", required=True, choices=LEVELS)
        parser.add_argument("--type", default="", help="Type of the application.")
        parser.add_argument("--host", default="", help="Host of the application.")
        parser.add_argument("--timeout", type=float, default=WITHIN_S, metavar="SECONDS",
                            help="Try for so long (default %(default)s).")
        self.add_json(parser)

    def run(self, *, text, application, number, level, type, host, timeout, as_json, **options) -> int:
        record = LogRecord(number=number, level=level, application=application, text=text, type=type, host=host)
        member = publish(actor=self.actor, record=record, within_s=timeout)
        if as_json:
            self.print_json({"acknowledged_by": member})
        else:
            self.stdout.write(f"{member} has acknowledged it.")
        return OK
