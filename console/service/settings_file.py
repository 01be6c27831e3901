"""An environment file as systemd reads it: NAME=VALUE a line, comments, quotes around a value."""

import re

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Unreadable(Exception):
    """A line that is none of these. The text says which, and what to do."""


def parse(text: str) -> dict[str, str]:
    """{name: value} of the settings of Pairwise. Raises Unreadable."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        name, equals, value = line.partition("=")
        if not equals or not NAME.fullmatch(name.strip()):
            raise Unreadable(f"Line {number} is no setting: write NAME=VALUE.")
        found[name.strip()] = _unquoted(value.strip(), number)
    return {name: value for name, value in found.items() if name.startswith("PAIRWISE_")}


def _unquoted(value: str, number: int) -> str:
    if "\\" in value:
        raise Unreadable(f"Line {number} has a backslash, which systemd and this command would read in different ways: "
                         "write the value into a file and name that.")
    if value[:1] in ("'", '"'):
        if len(value) < 2 or value[-1] != value[0] or value[0] in value[1:-1]:
            raise Unreadable(f"Line {number} has a quote without its end: write one at both ends, or none.")
        return value[1:-1]
    return value
