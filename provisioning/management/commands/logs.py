import json
import re
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from protocol.events import number_in
from protocol.log_records import CATEGORIES, LEVELS
from provisioning.core.moments import require_usable
from provisioning.errors import Refusal, Refused
from provisioning.logs import shown
from provisioning.logs.facts import Query, milliseconds
from provisioning.logs.selectors.records import all_of
from provisioning.logs.selectors.setting import log_to
from provisioning.management.console import OK, ServiceCommand, one_of
from provisioning.pairs.selectors.pairs import member_names

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LIMIT, LIMIT_MOST = 100, 1_000_000
NOBODY_COLLECTS = ("No log record was found: no pair is chosen to collect them. Choose one at Monitoring > Centralized "
                   "Log > Settings, or by log: {to: PRIMARY} in a file of apply.")


class Command(ServiceCommand):
    help = ("Print log records that were collected (docs/log.md): the newest --limit that fit, oldest first, one a "
            "line. TIME is a moment (2026-11-30T04:10, in the time zone of PAIRWISE_TIME_ZONE unless it names one) or "
            "how long ago (90s, 15m, 6h, 7d).")
    command_name = "logs"

    def add_arguments(self, parser):
        parser.add_argument("--since", default="", metavar="TIME", help="From this moment on.")
        parser.add_argument("--until", default="", metavar="TIME", help="Before this moment.")
        parser.add_argument("--level", default="", help=f"One of {', '.join(LEVELS)}.")
        parser.add_argument("--application", default="", metavar="NAME", help="A name or a part of one.")
        parser.add_argument("--pair", default="", metavar="NAME", help="Both members of a pair, by either's name.")
        parser.add_argument("--category", default="", help=f"One of {', '.join(CATEGORIES)}.")
        parser.add_argument("--host", default="", metavar="NAME", help="A name or a part of one.")
        parser.add_argument("--number", default="", metavar="EVENT", help="An event, as 00-04504 or 4504.")
        parser.add_argument("--text", default="", help="A part of the text.")
        parser.add_argument("--limit", type=int, default=LIMIT, metavar="N", help="So many (default %(default)s).")
        parser.add_argument("--json", action="store_true", dest="as_json", help="One JSON object a line.")

    def run(self, *, since, until, level, application, pair, category, host, number, text, limit, as_json,
            **options) -> int:
        if not 1 <= limit <= LIMIT_MOST:
            raise Refused(Refusal(f"--limit is {limit}; it must lie between 1 and {LIMIT_MOST}.", "limit"))
        query = Query(since=_moment(since, "since"), until=_moment(until, "until"),
                      level=one_of("level", level, LEVELS) if level else "", event=_event(number),
                      category=one_of("category", category, CATEGORIES) if category else "",
                      application=application, members=member_names(pair) if pair else (), host=host, text=text)
        rows = all_of(query, limit).rows
        for row in reversed(rows):
            values = shown.values(row)
            self.stdout.write(json.dumps(values, ensure_ascii=False) if as_json else shown.line(row))
        if not rows and not as_json:
            self.stderr.write("No log record was found." if log_to() else NOBODY_COLLECTS)
        return OK

    def print_json(self, body: dict) -> None:
        """What is refused is a line, too."""
        self.stdout.write(json.dumps(body, ensure_ascii=False))


def _moment(text: str, field: str) -> int | None:
    """Unix time in milliseconds. Raises Refused."""
    if not text:
        return None
    if ago := re.fullmatch(r"([0-9]{1,5})([smhd])", text):
        at: datetime | None = timezone.now() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    else:
        at = _parsed(text)
    if at is None:
        raise Refused(Refusal(f'--{field}: "{text}" is no moment. Write 2026-11-30T04:10, or how long ago as 90s, 15m, '
                              "6h or 7d.", field))
    require_usable(at, field)
    if timezone.is_naive(at):
        at = timezone.make_aware(at, timezone.get_default_timezone())
    return milliseconds(at)


def _parsed(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def _event(text: str) -> int | None:
    """Raises Refused."""
    try:
        return number_in(text) if text else None
    except ValueError as error:
        raise Refused(Refusal(f"--number: {error}.", "number")) from error
