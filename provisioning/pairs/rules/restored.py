"""After an older control database was put back: what each member has, and what is lost when it goes on. Pure."""

from dataclasses import dataclass
from typing import Any

WAY_OUT = "Open Restored Database: it shows what each server has and lets one go on (manage.py restored)."
"""The end of every sentence about a dispute."""
IN_DISPUTE = f"An older control database was put back, so nothing is decided about this pair. {WAY_OUT}"


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What a member says that it has; None for what it did not say. ``why_not``: why it cannot go on; ``lost``: how
    many records the other member has that this one does not, ``lost_before`` of them before its first one; None when
    nobody can tell."""

    name: str
    connected: bool = False
    state: str = ""
    role: str = ""
    epoch: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    why_not: str = ""
    lost: int | None = None
    lost_before: int | None = None

    @property
    def told(self) -> bool:
        return self.last_seq is not None


@dataclass(frozen=True)
class Choice:
    """``copy`` goes on. ``lost``: how many records are given up by that, None when nobody can tell; ``loss`` says so,
    ``untold`` why nobody can; ``follows`` what else happens; ``to_type``: whose name is to be typed, "" when nothing
    is lost."""

    copy: Copy
    lost: int | None
    untold: str
    loss: str
    follows: str
    to_type: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """What control found out just now about a pair, or a single server."""

    disputed: bool
    reason: str
    copies: tuple[Copy, ...]

    @property
    def choices(self) -> tuple[Choice, ...]:
        return tuple(_choice(copy, self.other(copy)) for copy in self.copies)

    def other(self, copy: Copy) -> Copy | None:
        return next((each for each in self.copies if each.name != copy.name), None)

    def choice(self, name: str) -> Choice | None:
        return next((each for each in self.choices if each.copy.name == name), None)


def found_of(facts: dict[str, Any]) -> Found:
    """The facts of control's answer to "record" (protocol.messages.PAIR_VERBS); what is no member is left out."""
    rows = [row for row in facts.get("members") or () if isinstance(row, dict) and isinstance(row.get("name"), str)]
    copies = tuple(Copy(**{key: row[key] for key in Copy.__dataclass_fields__ if row.get(key) is not None})
                   for row in rows)
    return Found(disputed=facts.get("disputed") is True, reason=str(facts.get("reason") or ""), copies=copies)


def _choice(copy: Copy, other: Copy | None) -> Choice:
    if other is None:
        return Choice(copy, 0, "", "Nothing is lost: there is no other server that could have more.",
                      f"{copy.name} serves with what it has, in a new epoch.", "")
    then = "becomes its backup" if other.connected else "becomes its backup when it comes back"
    cuts = "" if copy.lost == 0 else ", cuts off what only it has and keeps that in a file"
    untold = _why_not_told(copy, other) if copy.lost is None else ""
    loss = f"What is lost cannot be told: {untold}" if untold else _loss(copy, other)
    return Choice(copy, copy.lost, untold, loss,
                  f"{copy.name} serves with what it has, in a new epoch; {other.name} {then}{cuts}.",
                  "" if copy.lost == 0 else other.name)


def _loss(copy: Copy, other: Copy) -> str:
    if not copy.lost:
        return f"Nothing is lost: {other.name} has no record that {copy.name} does not have."
    before = copy.lost_before or 0
    after = copy.lost - before
    first, last = other.first_seq or 0, other.last_seq or 0
    parts = [_records(last - after + 1, last)] if after else []
    parts += [_records(first, first + before - 1)] if before else []
    one = copy.lost == 1
    return (f"Of {other.name} {' and '.join(parts)} {'is' if one else 'are'} given up: {copy.name} does not have "
            f"{'it' if one else 'them'}.")


def _records(first: int, last: int) -> str:
    return f"record {last:,}" if first == last else f"{last - first + 1:,} records ({first:,} to {last:,})"


def _why_not_told(copy: Copy, other: Copy) -> str:
    for each in (other, copy):
        if not each.connected:
            return f"{each.name} is not connected, and what it has is not known. Start it first if it can be started."
        if not each.told:
            return f"{each.name} did not say what it has."
    return "no record is proven to be the same on both."
