"""A log record as it travels: a message on ``/log/<level>``, its facts in headers, its text as the body."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LEVELS = ("alarm", "standard", "interaction", "trace")
CATEGORIES = ("application", "audit")
TEXT_BYTES = 4096
DESTINATION = "/log/"
_ATTRIBUTE = "attr."


@dataclass(frozen=True)
class LogRecord:
    """``number`` as pages write it (00-04504); ``at_ms``: Unix time in milliseconds, 0 for the moment in which it is
    received."""

    number: str
    level: str
    application: str
    text: str
    type: str = ""
    host: str = ""
    at_ms: int = 0
    category: str = "application"
    attributes: dict[str, str] = field(default_factory=dict)

    def destination(self) -> str:
        return f"{DESTINATION}{self.level}"

    def headers(self) -> dict[str, str]:
        """Headers of the SEND; what is empty is left out."""
        said = {"event": self.number, "application": self.application, "type": self.type, "host": self.host,
                "time": str(self.at_ms) if self.at_ms else "", "category": self.category}
        said |= {f"{_ATTRIBUTE}{name}": value for name, value in self.attributes.items()}
        return {name: value for name, value in said.items() if value}


def read(destination: str, headers: Mapping[str, str], body: bytes) -> LogRecord:
    """The record that a message is. Raises ValueError with a sentence."""
    level = destination.removeprefix(DESTINATION)
    if level not in LEVELS:
        raise ValueError(f"{destination} is no log level: use {', '.join(LEVELS[:-1])} or {LEVELS[-1]}.")
    for name in ("event", "application"):
        if not headers.get(name):
            raise ValueError(f"The header {name} is missing.")
    category, time = headers.get("category") or CATEGORIES[0], headers.get("time") or "0"
    if category not in CATEGORIES:
        raise ValueError(f"{category} is no category: use {' or '.join(CATEGORIES)}.")
    if not (time.isascii() and time.isdigit()):
        raise ValueError("The header time is no number of milliseconds.")
    if len(body) > TEXT_BYTES:
        raise ValueError(f"The text has {len(body)} bytes; {TEXT_BYTES} fit.")
    return LogRecord(
        number=headers["event"], level=level, application=headers["application"], text=body.decode(),
        type=headers.get("type", ""), host=headers.get("host", ""), at_ms=int(time), category=category,
        attributes={name.removeprefix(_ATTRIBUTE): value for name, value in headers.items()
                    if name.startswith(_ATTRIBUTE)})
