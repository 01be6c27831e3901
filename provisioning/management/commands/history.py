import json
import time

from provisioning.core.text import KEY_DIGITS
from provisioning.errors import Refusal, Refused
from provisioning.management.console import OK, ServiceCommand
from provisioning.shipping.facts import Entry
from provisioning.shipping.rules.lines import document, sentence
from provisioning.shipping.selectors.targets import entries_after, newest_number

LIMIT, LIMIT_MOST, AT_ONCE = 100, 1_000_000, 200
LOOK_S = 0.5


class Command(ServiceCommand):
    help = ("Print entries of History, oldest first, one a line: the newest --limit, or all that follow the entry with "
            "the number --after. With --follow it waits for more until it is interrupted.")
    command_name = "history"

    def add_arguments(self, parser):
        parser.add_argument("--after", type=int, default=None, metavar="NUMBER",
                            help="All entries after the one with this number; 0: all that there are.")
        parser.add_argument("--limit", type=int, default=LIMIT, metavar="N",
                            help="So many of the newest, without --after (default %(default)s).")
        parser.add_argument("--follow", action="store_true", help="Wait for more.")
        parser.add_argument("--json", action="store_true", dest="as_json", help="One JSON object a line.")

    def run(self, *, after, limit, follow, as_json, **options) -> int:
        if not 0 <= limit <= LIMIT_MOST:
            raise Refused(Refusal(f"--limit is {limit}; it must lie between 0 and {LIMIT_MOST}.", "limit"))
        if after is not None and not 0 <= after < 10 ** KEY_DIGITS:
            raise Refused(Refusal(f"--after is {after}; it is the number of an entry, or 0.", "after"))
        number = max(0, newest_number() - limit) if after is None else after
        while True:
            number, found = self.show(number, as_json=as_json)
            if found:
                continue
            if not follow:
                return OK
            time.sleep(LOOK_S)

    def show(self, number: int, *, as_json: bool) -> tuple[int, int]:
        """Entries after ``number``; the number of the last one, and how many there were."""
        entries = entries_after(number, AT_ONCE)
        for each in entries:
            self.stdout.write(json.dumps(document(each), ensure_ascii=False) if as_json else _line(each))
        self.stdout.flush()
        return (entries[-1].number if entries else number), len(entries)

    def print_json(self, body: dict) -> None:
        """What is refused is a line, too."""
        self.stdout.write(json.dumps(body, ensure_ascii=False))


def _line(entry: Entry) -> str:
    text = sentence(entry).replace("\n", "\\n").replace("\r", "\\r")
    return f"{entry.number} {entry.at:%Y-%m-%dT%H:%M:%S}Z {text}"
