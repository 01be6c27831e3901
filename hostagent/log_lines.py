"""Which lines of an opened log file are answered: a window of it, at its end, before a place or from one on. Standard
library only."""

import json
import os
import time
from dataclasses import dataclass
from typing import Any

from protocol.log_messages import ANSWER_BYTES, LINE_BYTES

BLOCK = 64 * 1024
WINDOW_BYTES = 1024 * 1024
"""So much is read for one answer at most; whoever follows and is further behind is given the last lines."""
SETTLED_S = 1.0
"""A last line without its end that is so old is shown: the writer seems to have left it so."""
_END = b"\n"


@dataclass(frozen=True)
class _Window:
    """What stands in the file from ``start`` on. ``inside``: that is within a line, which began before."""

    start: int
    body: bytes
    inside: bool = False

    @property
    def whole(self) -> int:
        """How much of it are lines with their ends (bytes)."""
        return self.body.rfind(_END) + 1


def page_of(descriptor: int, *, before: int, after: int, of: str, lines: int, until: float) -> dict[str, Any]:
    """``page`` of ``LogRead`` but for the name of the file; the numbers are as in ``ReadLog``. TimeoutError past the
    monotonic time ``until``."""
    facts = os.fstat(descriptor)
    size, known, follows = facts.st_size, f"{facts.st_dev}-{facts.st_ino}", after >= 0
    anew = follows and (of != known or after > size)
    if follows and not anew and size - after <= WINDOW_BYTES:
        window = _Window(after, _read(descriptor, after, size, until))
        whole = window.start + window.whole
        found = _fitting(_lines(window.body)[:lines])
        begins, ends = after, after + sum(map(len, found))
    else:
        window = _window_before(descriptor, min(before, size) if before >= 0 else size, lines, until)
        whole = window.start + window.whole
        found = _fitting(_lines(window.body)[-lines:][::-1])[::-1]
        begins, ends = whole - sum(map(len, found)), whole
    # Before a place there is none, but where the end of so long a line was told by itself.
    is_shown = not window.inside if before >= 0 else ends == whole and _is_settled(facts)
    rest = window.body[window.whole:] if is_shown else b""
    skipped = max(0, begins - after) if follows and not anew else 0
    return {"of": known, "size": size, "written": facts.st_mtime, "begins": begins, "ends": ends, "anew": anew,
            "skipped": skipped, "more": ends < whole and before < 0, "unfinished": bool(rest) and before < 0,
            **_texts([*found, *([rest] if rest else [])], window.inside and begins == window.start)}


def _texts(lines: list[bytes], inside: bool) -> dict[str, Any]:
    texts = [shown(line) for line in lines]
    if inside and texts:
        texts[0] = (f"(the end of a line of more than {WINDOW_BYTES // 1024} KB)", False)
    return {"lines": [text for text, _ in texts], "cut": [place for place, (_, cut) in enumerate(texts) if cut]}


def _is_settled(facts: os.stat_result) -> bool:
    return time.time() - facts.st_mtime >= SETTLED_S


def _read(descriptor: int, start: int, end: int, until: float) -> bytes:
    found = bytearray()
    while start + len(found) < end:
        _in_time(until)
        block = os.pread(descriptor, min(BLOCK, end - start - len(found)), start + len(found))
        if not block:
            break
        found += block
    return bytes(found)


def _in_time(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError


def _window_before(descriptor: int, end: int, lines: int, until: float) -> _Window:
    """The last ``lines`` lines before ``end``, as far as WINDOW_BYTES hold them, from the beginning of one on; of a
    line that is longer its last WINDOW_BYTES."""
    start, ends = end, 0
    blocks: list[bytes] = []
    while start > 0 and ends <= lines and end - start < WINDOW_BYTES:
        length = min(BLOCK, start)
        blocks.append(_read(descriptor, start - length, start, until))
        ends += blocks[-1].count(_END)
        start -= length
    body = b"".join(reversed(blocks))
    if start == 0:
        return _Window(0, body)
    # What comes first belongs to a line that began before.
    first = body.find(_END, 0, len(body) - 1) + 1
    return _Window(start + first, body[first:], inside=first == 0)


def _fitting(lines: list[bytes]) -> list[bytes]:
    """The first of ``lines``, as many as one answer holds; one at least."""
    left = ANSWER_BYTES
    for place, line in enumerate(lines):
        left -= cost(line)
        if left < 0 and place:
            return lines[:place]
    return lines


def _lines(body: bytes) -> list[bytes]:
    """With their ends."""
    return [line + _END for line in body.split(_END)[:-1]]


def cost(line: bytes) -> int:
    """How long it is in an answer, with what stands between two."""
    return len(json.dumps(shown(line)[0], ensure_ascii=False).encode()) + 1


def shown(line: bytes) -> tuple[str, bool]:
    """(its text, whether it is longer): what is no text or cannot be seen is a "�"."""
    line = line.rstrip(b"\r\n")
    text = line[:LINE_BYTES].decode("utf-8", "replace")
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() or sign == "\t" else "�" for sign in text)
    return text, len(line) > LINE_BYTES
