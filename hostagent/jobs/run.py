"""What the steps of a job work with."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .cancel import Cancellation
from .context import Context
from .journal import Entry
from .reporter import Reporter


@dataclass(frozen=True)
class Run:
    """One job at work. ``shield`` defers a cancel, ``note`` keeps what ``undo`` needs."""

    context: Context
    payload: dict[str, Any]
    entry: Entry
    reporter: Reporter
    cancellation: Cancellation

    @property
    def arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = self.payload["arguments"]
        return arguments

    @property
    def application(self) -> str:
        return str(self.payload["application"])

    def log(self, text: str, level: str = "info") -> None:
        self.reporter.log(text, level)

    def note(self, **notes: Any) -> None:
        self.entry.note(**notes)

    def shield(self) -> contextlib.AbstractContextManager[None]:
        return self.cancellation.shield()

    @contextlib.contextmanager
    def step(self, number: int) -> Iterator[None]:
        self.entry.at_step(number)
        self.reporter.step(number, "running")
        try:
            yield
        except BaseException:
            self.reporter.step(number, "failed")
            raise
        self.reporter.step(number, "done")
