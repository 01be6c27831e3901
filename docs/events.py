"""Writes events.md from the table of Pairwise's own events: ``python -m docs.events``."""

from pathlib import Path

from protocol.events import KINDS, Kind, Own, written

PAGE = Path(__file__).with_name("events.md")

HEAD = """# Pairwise's own events

Made from `protocol/events.py` by `python -m docs.events`; a test holds that it is up to date. They stand in the
timelines of the servers and in the log of who tells them. An event of level *alarm* is one that somebody has to look
at. The other numbers are the field's own ([`domain.md`](domain.md) 3.5): [`pair.md`](pair.md) names those that a pair
tells.

| number | from | level | what it tells |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_row(number, kind) for number, kind in sorted(KINDS.items()))


def _row(number: Own, kind: Kind) -> str:
    whose = "; in the timelines of both members" if kind.of_pair else ""
    return f"| {written(number)} | {kind.source} | {kind.level} | {kind.text}{whose} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
