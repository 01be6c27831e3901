from protocol.events import written
from protocol.log_records import LEVELS, NUMBER, LogRecord
from provisioning.errors import Refusal, Refused
from provisioning.logs.services.records import WITHIN_S, publish
from provisioning.management.console import OK, ServiceCommand, one_of

LONGEST_S = 3600


class Command(ServiceCommand):
    help = ("Publish one log record to the pair that is chosen at Monitoring > Centralized Log > Settings. Exit codes: "
            "0 the pair has acknowledged it, 1 nobody acknowledged it, 2 refused.")
    command_name = "logmsg"

    def add_arguments(self, parser):
        parser.add_argument("text", metavar="TEXT")
        parser.add_argument("--application", required=True, metavar="NAME", help="Whose record it is.")
        parser.add_argument("--number", required=True, metavar="EVENT", help="Its event, as 00-04504 or 4504.")
        parser.add_argument("--level", required=True, help=f"One of {', '.join(LEVELS)}.")
        parser.add_argument("--type", default="", help="Type of the application.")
        parser.add_argument("--host", default="", help="Host of the application.")
        parser.add_argument("--timeout", type=float, default=WITHIN_S, metavar="SECONDS",
                            help="Try for so long (default %(default)s).")
        self.add_json(parser)

    def run(self, *, text, application, number, level, type, host, timeout, as_json, **options) -> int:
        if not 0 < timeout <= LONGEST_S:
            raise Refused(Refusal(f"--timeout is {timeout:g}; it must lie between 0 and {LONGEST_S} s.", "timeout"))
        record = LogRecord(number=_number(number), level=one_of("level", level, LEVELS), application=application,
                           text=text, type=type, host=host)
        member = publish(actor=self.actor, record=record, within_s=timeout)
        if as_json:
            self.print_json({"acknowledged_by": member})
        else:
            self.stdout.write(f"{member} has acknowledged it.")
        return OK


def _number(text: str) -> str:
    """With its type, as servers take it. Raises Refused."""
    number = written(int(text)) if text.isascii() and text.isdigit() and len(text) <= 5 else text
    if not NUMBER.fullmatch(number):
        raise Refused(Refusal(f'--number: "{text}" is no event number. Write it as 00-04504 or 4504.', "number"))
    return number
