"""What a Message Server says of itself, as pages show it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SHOWN_MESSAGES, SHOWN_DESTINATIONS = 50, 200
EVERYTHING = "/*"
BODY_SHOWN = 64 * 1024
"""So much of a body a page shows."""
BODY_LARGEST = 64 * 1024
"""The longest body of a test message, in bytes."""
DOWNLOAD_LARGEST = 16 * 1024 * 1024


class NotRead(Exception):
    """Nobody answered. The text is a sentence; ``advice`` another one that says what to do. ``passes``: it is worth
    asking again by itself. ``is_unsure``: what was asked for may have been done."""

    def __init__(self, sentence: str, advice: str = "", *, passes: bool = False, is_unsure: bool = False):
        super().__init__(sentence)
        self.advice, self.passes, self.is_unsure = advice, passes, is_unsure


class Gone(NotRead):
    """What was asked for by its name is not there, or not any more."""


@dataclass(frozen=True)
class Content:
    """Bytes as a page shows them: as text, or in hexadecimal digits where they are none. ``is_cut``: there is more."""

    text: str
    is_text: bool = True
    is_cut: bool = False


@dataclass(frozen=True)
class Message:
    """``headers`` are the sender's own, and with ``more_headers`` not all of them; ``size`` the bytes of the whole
    body, ``beginning`` what it begins with. ``expired``: its sender does not want it delivered any more."""

    seq: int
    epoch: int
    at: datetime | None
    destination: str
    size: int
    headers: Sequence[tuple[str, str]]
    beginning: Content
    more_headers: bool = False
    expired: bool = False


@dataclass(frozen=True)
class Look:
    """The newest of what was asked for, that first. ``looked_to``: nothing before that seq was looked at; 0 when there
    is nothing left. ``member`` is who answered."""

    messages: Sequence[Message]
    looked_to: int
    last_seq: int
    member: str

    @property
    def is_full(self) -> bool:
        return len(self.messages) >= SHOWN_MESSAGES


@dataclass(frozen=True)
class Subscription:
    """``behind``: how many of the log's records lie between what it was given and the end."""

    id: str
    destination: str
    ack: str
    unacknowledged: int
    behind: int
    live: bool


@dataclass(frozen=True)
class Connection:
    """``slow`` says in a sentence what it leaves, "" for one that keeps up. ``own``: it is the console's, a drill's or
    of the centralized log."""

    session: str
    login: str
    peer: str
    since: datetime | None
    version: str
    unread: int
    submitted: int
    subscriptions: Sequence[Subscription] = field(default_factory=list)
    subscriptions_total: int = 0
    slow: str = ""
    own: bool = False

    @property
    def more_subscriptions(self) -> int:
        return max(0, self.subscriptions_total - len(self.subscriptions))

    @property
    def behind(self) -> int:
        return max((each.behind for each in self.subscriptions), default=0)


@dataclass(frozen=True)
class Connections:
    rows: Sequence[Connection]
    total: int
    member: str

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Destination:
    """``first`` and ``last`` are seqs of messages that are kept."""

    name: str
    first: int
    last: int
    at: datetime | None


@dataclass(frozen=True)
class Destinations:
    rows: Sequence[Destination]
    more: bool
    member: str


@dataclass(frozen=True)
class Position:
    """A named position: the subscription ``name`` goes on behind ``seq``, and ``open`` messages before it are not
    acknowledged. ``used_by`` is the login of whoever is subscribed now, "" for nobody."""

    name: str
    destination: str
    selector: str
    seq: int
    behind: int
    open: int
    used_by: str


@dataclass(frozen=True)
class Positions:
    rows: Sequence[Position]
    total: int
    member: str

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Whole:
    """One message with its whole body, as far as it is not longer than what was wanted."""

    message: Message
    body: bytes

    @property
    def is_cut(self) -> bool:
        return self.message.size > len(self.body)

    @property
    def too_large(self) -> str:
        """Why a body that ``is_cut`` cannot be had as a file."""
        return (f"The body has {self.message.size:,} bytes; {DOWNLOAD_LARGEST:,} can be downloaded here. Read it with "
                "a client of the server.")


def moment(seconds: Any) -> datetime | None:
    """Unix time as a moment; None for none, or one that no page can show."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, OSError, TypeError, ValueError):
        return None
