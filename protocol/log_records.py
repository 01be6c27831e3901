"""Records of the centralized log: what one says, and how it lies in a message on ``/log/<level>``.

Headers are as docs/message-protocol.md has them: ``event`` is the number with its type ("00-04504"), ``time`` is in
milliseconds of Unix time, attributes are ``attr.<name>``; the body is the text in UTF-8.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .events import written

PREFIX = "/log/"
LEVELS = ("alarm", "standard", "interaction", "trace")
"""From the one that matters most to the one that matters least."""
APPLICATION, AUDIT = CATEGORIES = ("application", "audit")
TEXT_BYTES = 4096
NAME_MAX, ATTRIBUTES_MAX, ATTRIBUTE_MAX = 255, 50, 1024
"""Characters of a name; attributes of a record; characters of an attribute's name and value together."""
TIME_MAX = 253_402_300_799_999
"""Milliseconds until the end of the year 9999."""
NO_NUMBER = "00-00000"
"""Of what is no event."""
NUMBER = re.compile(r"[0-9]{2,3}-[0-9]{5}")
_ATTRIBUTE = "attr."


def numbered(number: int) -> str:
    """The header ``event`` of an event: NO_NUMBER for one that no record may have."""
    text = written(number)
    return text if NUMBER.fullmatch(text) else NO_NUMBER


@dataclass(frozen=True)
class LogRecord:
    """``at_ms``: milliseconds of Unix time, 0 for the moment at which the server takes it."""

    number: str
    level: str
    application: str
    text: str
    type: str = ""
    host: str = ""
    at_ms: int = 0
    category: str = APPLICATION
    attributes: dict[str, str] = field(default_factory=dict)

    def destination(self) -> str:
        return f"{PREFIX}{self.level}"

    def headers(self) -> dict[str, str]:
        """All but level and text; what is empty is left out."""
        named = {"event": self.number, "application": self.application, "type": self.type, "host": self.host,
                 "time": str(self.at_ms) if self.at_ms else "", "category": self.category}
        return {name: value for name, value in named.items() if value} | {
            f"{_ATTRIBUTE}{name}": value for name, value in self.attributes.items()}


def read(destination: str, headers: Mapping[str, str], body: bytes) -> LogRecord:
    """The record that a message on ``destination`` is. Raises ValueError with the sentence that says what is wrong."""
    level = destination.removeprefix(PREFIX)
    if level not in LEVELS or destination == level:
        raise ValueError(f"{destination[:80]} is no log level: use alarm, standard, interaction or trace.")
    number, application = headers.get("event", ""), headers.get("application", "")
    if not NUMBER.fullmatch(number):
        raise ValueError("A log record needs the header event with its number, for example 00-04504.")
    if not application:
        raise ValueError("A log record needs the header application with the name of who says it.")
    for name in ("application", "type", "host"):
        if len(headers.get(name, "")) > NAME_MAX:
            raise ValueError(f"The header {name} of a log record has at most {NAME_MAX} characters.")
    category = headers.get("category", APPLICATION)
    if category not in CATEGORIES:
        raise ValueError("The category of a log record is application or audit.")
    if len(body) > TEXT_BYTES:
        raise ValueError(f"The text of a log record has at most {TEXT_BYTES} bytes.")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ValueError("The text of a log record is UTF-8.") from None
    return LogRecord(number, level, application, text, headers.get("type", ""), headers.get("host", ""),
                     _moment(headers.get("time", "0")), category, _attributes(headers))


def _moment(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(TIME_MAX)) and int(text) <= TIME_MAX):
        raise ValueError("The header time of a log record is in milliseconds since 1970, for example 1700000000000.")
    return int(text)


def _attributes(headers: Mapping[str, str]) -> dict[str, str]:
    found = {name.removeprefix(_ATTRIBUTE): value for name, value in headers.items() if name.startswith(_ATTRIBUTE)}
    if len(found) > ATTRIBUTES_MAX:
        raise ValueError(f"A log record has at most {ATTRIBUTES_MAX} attributes.")
    if any(not name or len(name) + len(value) > ATTRIBUTE_MAX for name, value in found.items()):
        raise ValueError(f"An attribute of a log record has a name, and {ATTRIBUTE_MAX} characters with its value at "
                         "most.")
    return found
