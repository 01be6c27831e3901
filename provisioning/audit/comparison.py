"""Two results of one pair: what is new, what is gone, what stayed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Finding(Protocol):
    """What is compared of a finding (models.Finding)."""

    @property
    def code(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def fact(self) -> str: ...

    @property
    def waiver_id(self) -> int | None: ...


T = TypeVar("T")
F = TypeVar("F", bound=Finding)


@dataclass(frozen=True)
class Compared(Generic[T]):
    """Findings by (code, subject); ``changed`` holds (before, now) of those whose fact is another one, or that
    are waived on one side only."""

    new: tuple[T, ...]
    gone: tuple[T, ...]
    changed: tuple[tuple[T, T], ...]
    unchanged: tuple[T, ...]


def compared(before: Iterable[F], now: Iterable[F]) -> Compared[F]:
    """``before`` and ``now`` are findings of one pair."""
    old = {(each.code, each.subject): each for each in before}
    new = {(each.code, each.subject): each for each in now}
    both = [(old[key], each) for key, each in new.items() if key in old]
    return Compared(
        new=tuple(each for key, each in new.items() if key not in old),
        gone=tuple(each for key, each in old.items() if key not in new),
        changed=tuple((was, each) for was, each in both if not _same(was, each)),
        unchanged=tuple(each for was, each in both if _same(was, each)))


def _same(was: Finding, now: Finding) -> bool:
    return was.fact == now.fact and bool(was.waiver_id) == bool(now.waiver_id)
