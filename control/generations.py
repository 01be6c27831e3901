"""Which history of control's database a word belongs to: how an older copy that was put back is recognised (ADR 16).

Every control that begins to lead begins a generation. Servers and agents keep, on their own disks, how far that history
had come when they last heard of it, as a token that only control can make. A token that the database does not know is
proof that something is missing in it: an older copy was put back. The first such token begins a generation that is
marked so; records that were last written before it count only while all members of their pair vouch for them.
"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property

from provisioning.core.control_client import control_secrets

MAC_CHARACTERS = 32
GAP = 1000
"""A generation that follows a restore is numbered so far beyond all that were heard of, that every later token of the
history that was lost is below it."""
TOKEN_MAX = 200


@dataclass(frozen=True)
class Generation:
    """From ``first_position`` to the next one's. ``mark`` tells two histories apart that have the same numbers."""

    number: int
    mark: str
    first_position: int
    after_restore: bool = False


@dataclass(frozen=True)
class Seen:
    """What a peer remembers: the history had reached ``position`` in this generation."""

    number: int
    mark: str
    position: int


@dataclass(frozen=True)
class History:
    """All generations of a database, oldest first. Pure."""

    generations: tuple[Generation, ...]

    @property
    def present(self) -> Generation:
        return self.generations[-1]

    @cached_property
    def trusted_from(self) -> int:
        """Records last written in an earlier generation may be outdated; 0 when no copy was ever put back."""
        return max((each.number for each in self.generations if each.after_restore), default=0)

    def knows(self, seen: Seen, position: int) -> bool:
        """Whether what the peer remembers is part of this history, which has come to ``position``."""
        for each, after in zip(self.generations, (*self.generations[1:], None), strict=True):
            if (each.number, each.mark) == (seen.number, seen.mark):
                # A token is made after what it counts; the next generation begins one position later.
                return seen.position <= (position if after is None else after.first_position - 1)
        return False

    def contradicts(self, seen: Seen, position: int) -> bool:
        """Whether the peer proves that something is missing here which nobody has noticed yet."""
        return seen.number >= self.trusted_from and not self.knows(seen, position)

    def following(self, seen: Seen | None = None) -> int:
        """Number of the next generation, after a restore that ``seen`` has proven."""
        last = self.present.number if self.generations else 0
        return last + 1 if seen is None else max(last, seen.number) + GAP


# --- tokens --------------------------------------------------------------------------------------------------


def token(seen: Seen) -> str:
    """What a peer is given to keep."""
    return f"{seen.number}.{seen.mark}.{seen.position}.{_mac(seen, control_secrets()[0])}"


def read_token(text: str) -> Seen | None:
    """What a peer gave back; None for nothing, and for what this console never made."""
    parts = text.split(".")
    if len(text) > TOKEN_MAX or len(parts) != 4 or not (parts[0].isdecimal() and parts[2].isdecimal()):
        return None
    seen = Seen(int(parts[0]), parts[1], int(parts[2]))
    genuine = [hmac.compare_digest(_mac(seen, secret).encode(), parts[3].encode()) for secret in control_secrets()]
    return seen if any(genuine) else None


def _mac(seen: Seen, secret: str) -> str:
    text = f"generation {seen.number} {seen.mark} {seen.position}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:MAC_CHARACTERS]
