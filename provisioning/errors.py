"""Refusals and faults that users meet, as sentences that say what to do. Imports nothing of the console."""

from dataclasses import dataclass
from datetime import datetime

from protocol.said import is_legible, legible


def _make_writable(made: object, *names: str) -> None:
    for name in names:
        if not is_legible(text := str(getattr(made, name))):
            object.__setattr__(made, name, legible(text, len(text)))


@dataclass(frozen=True)
class Link:
    """Another object that a refusal names: ``kind`` is application, host, template, package, job or drill; ``key`` its
    primary key. The page makes an address of it. ``name`` is written as in a refusal that quotes it."""

    kind: str
    key: str
    name: str

    def __post_init__(self) -> None:
        _make_writable(self, "name")


@dataclass(frozen=True)
class Refusal:
    """One rule that was not kept. ``field`` is the form field it belongs to ("" for the whole object). Both can be
    written, whatever they quote."""

    message: str
    field: str = ""
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        _make_writable(self, "message", "field")


class PairwiseError(Exception):
    """Base of what a service may raise. ``str()`` is the sentence for the user."""


class Refused(PairwiseError):
    """The input or the moment is wrong; nothing was changed. ``refusals`` has at least one entry."""

    def __init__(self, *refusals: Refusal | str):
        self.refusals = tuple(Refusal(r) if isinstance(r, str) else r for r in refusals)
        super().__init__(" ".join(r.message for r in self.refusals))


class Unanswered(Refused):
    """Another process was asked and did not answer: it is not known whether anything was changed."""


class NotAllowed(PairwiseError):
    """The actor's role does not include this verb."""


class NotSignedIn(PairwiseError):
    """Nobody is signed in, or what was shown in place of a password is not good here."""


class TooMany(PairwiseError):
    """So much was asked that nothing more is looked at for ``retry_after_s`` seconds."""

    def __init__(self, message: str, *, retry_after_s: int):
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotFound(PairwiseError):
    """The object that was named does not exist (any more)."""


@dataclass(frozen=True)
class Difference:
    """One field that differs between what somebody else saved (``theirs``) and what was typed (``yours``)."""

    field: str
    label: str
    theirs: str
    yours: str


class Conflict(PairwiseError):
    """Somebody else saved the object in between. ``revision`` is the stored one, ``saved_by``/``saved_at`` say who
    and when, ``differences`` what differs."""

    def __init__(self, message: str, *, revision: int, saved_by: str, saved_at: datetime | None,
                 differences: tuple[Difference, ...]):
        super().__init__(message)
        self.revision, self.saved_by, self.saved_at, self.differences = revision, saved_by, saved_at, differences


class WrongKey(PairwiseError):
    """Something was encrypted with another secret key than those that are given, or changed since."""
