"""How header lines travel in each version of STOMP: pure functions from text to text.

Records keep their headers as lines of 1.2, the only version that can say everything. What has no form in an older
one is left as 1.2 writes it: line feeds in a value and colons in a name for 1.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass


class ProtocolError(ValueError):
    """What arrived is no STOMP frame or too large. The text is a sentence for the ERROR frame, ``receipt`` what the
    frame wants to be answered by, None when that cannot be told."""

    receipt: str | None = None


_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


@dataclass(frozen=True)
class Dialect:
    """``escapes``: what stands for what behind a backslash; none: a backslash is one. ``trims``: spaces around a value
    do not count."""

    version: str
    escapes: Mapping[str, str]
    trims: bool = False

    def decoded(self, text: str) -> str:
        """A header's name or value as the sender meant it. Raises ProtocolError for an escape that this version does
        not know."""

        def sign(match: re.Match[str]) -> str:
            try:
                return self.escapes[match[1]]
            except KeyError:
                raise ProtocolError(f"A header holds {match[0]}, which STOMP {self.version} has no meaning for: a "
                                    "backslash is sent as two.") from None

        return _ESCAPE.sub(sign, text) if self.escapes and "\\" in text else text

    def encoded(self, text: str) -> str:
        """A header's value, or a name of the server's own, as it travels."""
        if not self.escapes:
            return text.replace("\n", "\\n")
        for letter, sign in self.escapes.items():
            text = text.replace(sign, f"\\{letter}")
        return text

    def recoded(self, frame: bytes) -> bytes:
        """The same end of a frame, whose header lines are written as in 1.2, in this version."""
        end = frame.index(b"\n\n")
        if self.escapes == V12.escapes or b"\\" not in frame[:end]:
            return frame
        lines = frame[:end].decode().split("\n")
        return "\n".join([self._recoded_line(line) if "\\" in line else line for line in lines]).encode() + frame[end:]

    def _recoded_line(self, line: str) -> str:
        name, _, value = line.partition(":")
        name = self.encoded(V12.decoded(name))
        if not self.escapes:
            name = name.replace(":", "\\c")
        return f"{name}:{self.encoded(V12.decoded(value))}"


# The backslash first: it is what the others are written with.
V12 = Dialect("1.2", {"\\": "\\", "n": "\n", "c": ":", "r": "\r"})
V11 = Dialect("1.1", {"\\": "\\", "n": "\n", "c": ":"})
V10 = Dialect("1.0", {}, trims=True)
DIALECTS = (V12, V11, V10)
"""Newest first."""
VERSIONS = ",".join([dialect.version for dialect in DIALECTS])


def leniently_decoded(text: str) -> str:
    """What ``text`` means if its sender escapes; an unknown escape means itself."""
    return _ESCAPE.sub(lambda match: V12.escapes.get(match[1], match[0]), text)
