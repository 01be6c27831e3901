"""The addresses of all controls of one console, as a server or an agent knows them: one leads, the others say so."""

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .events import Own
from .files import write_atomically

NOT_LEADER = Own.TOOK_OVER
"""Event number of a Refused by a control that does not lead."""
FILE = "controls.json"
MOST = 16


class Controls:
    """``current`` is the one to dial; ``failed`` moves on to the next, ``worked`` keeps it as the first to try after a
    restart. ``learn`` takes the addresses that control itself told; ``hear`` those from somebody who has not shown that
    he knows our secret: they are tried, where he would have to show it, and not kept.

    ``given`` are those that a person or the installer gave, and always count; what was learnt is kept in ``file`` and
    forgotten when other ones are given; without a file nothing is. One that cannot be written is no reason to stop.
    """

    def __init__(self, given: Iterable[tuple[str, int]], file: Path | None = None):
        self._given, self._file = _unique(given), file
        self._all, self._at = list(self._given), 0
        self._kept = self._load()

    def __len__(self) -> int:
        return len(self._all)

    @property
    def current(self) -> tuple[str, int]:
        return self._all[self._at]

    def failed(self) -> None:
        self._at = (self._at + 1) % len(self._all)

    def worked(self) -> None:
        self._save()

    def learn(self, told: object) -> None:
        """``told`` is what control sent: a list of {host, port}; anything else changes nothing."""
        current = self.current
        self._all = _unique([*self._given, *_addresses(told)])
        # The connection that told this stands, even when its address is not among them.
        if current not in self._all:
            self._all.append(current)
        self._at = self._all.index(current)
        self._save()

    def hear(self, told: object) -> None:
        """As ``learn``."""
        self._all = _unique([*self._all, *_addresses(told)])[:2 * MOST]

    def _load(self) -> dict[str, Any]:
        if self._file is None:
            return {}
        try:
            kept: dict[str, Any] = json.loads(self._file.read_bytes())
            given = kept["given"] == [list(each) for each in self._given]
            known, current = _addresses(kept["all"]), _addresses([kept["current"]])
        except (OSError, ValueError, TypeError, KeyError):
            return {}
        if given:
            self._all = _unique([*self._given, *known])
            self._at = self._all.index(current[0]) if current and current[0] in self._all else 0
        return kept

    def _save(self) -> None:
        keep = {"given": [list(each) for each in self._given], "all": [_told(each) for each in self._all],
                "current": _told(self.current)}
        if self._file is None or keep == self._kept:
            return
        with contextlib.suppress(OSError):
            write_atomically(self._file, json.dumps(keep).encode(), mode=0o640, lasting=False)
            self._kept = keep


def _told(address: tuple[str, int]) -> dict[str, str | int]:
    return {"host": address[0], "port": address[1]}


def _addresses(told: object) -> list[tuple[str, int]]:
    """Those of ``told`` that are addresses."""
    if not isinstance(told, list):
        return []
    return [(each["host"], each["port"]) for each in told[:MOST] if isinstance(each, dict)
            and isinstance(each.get("host"), str) and 0 < len(each["host"]) <= 255
            and type(each.get("port")) is int and 1 <= each["port"] <= 65535]


def _unique(addresses: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return list(dict.fromkeys(addresses))
