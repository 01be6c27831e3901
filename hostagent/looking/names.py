"""Names of hosts as this host resolves them, both ways, within a time."""

import queue
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

from ..surroundings import resolved

THREADS = 8
WITHIN_S = 5.0


class NameLookup:
    """Asks in threads from the moment that it is made: a resolver that does not answer takes its time."""

    def __init__(self, hosts: Mapping[str, str]):
        """``hosts`` is {name: address}."""
        self._left: queue.SimpleQueue[tuple[str, str, str]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[str, str, list[str] | str]] = queue.SimpleQueue()
        self._until = time.monotonic() + WITHIN_S
        self._count = 2 * len(hosts)
        for name, address in hosts.items():
            self._left.put(("names", name, name))
            self._left.put(("reverse", address, name))
        for _ in range(min(THREADS, self._count)):
            threading.Thread(target=self._work, name="resolving", daemon=True).start()

    def _work(self) -> None:
        while time.monotonic() < self._until:
            try:
                kind, asked, name = self._left.get_nowait()
            except queue.Empty:
                return
            answer: list[str] | str = resolved([asked])[asked] if kind == "names" else name_of_address(asked, name)
            self._answers.put((kind, asked, answer))

    def answers(self) -> dict[str, dict[str, Any]]:
        """``names`` and ``reverse`` of *collect_facts* in ``protocol.jobs``; what was not answered in time is left
        out."""
        found: dict[str, dict[str, Any]] = {"names": {}, "reverse": {}}
        for _ in range(self._count):
            try:
                kind, asked, answer = self._answers.get(timeout=max(0.0, self._until - time.monotonic()))
            except queue.Empty:
                break
            found[kind][asked] = answer
        return found


def name_of_address(address: str, wanted: str) -> str:
    """The name that belongs to ``address`` here, "" for none; ``wanted`` when it is one of several."""
    try:
        name, aliases, _ = socket.gethostbyaddr(address)
    except OSError:
        return ""
    return next((each for each in (name, *aliases) if _plain(each) == _plain(wanted)), name)


def _plain(name: str) -> str:
    return name.partition(".")[0].casefold()
