"""What pages show of a Message Server, asked of the member that serves. Each raises NotRead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404

from provisioning.core.events import last_failover_of
from provisioning.messages.facts import (
    EVERYTHING,
    SHOWN_DESTINATIONS,
    SHOWN_MESSAGES,
    Connection,
    Connections,
    Destinations,
    Gone,
    Look,
    Position,
    Positions,
    Whole,
)
from provisioning.messages.rules import SEQ_MAX, connections_of, destinations_of, look_of, positions_of
from provisioning.models import Application
from provisioning.pairs.selectors.page import pair_rows

from .line import DOWNLOAD_S, TOTAL_S, Line, on_line


@dataclass(frozen=True)
class Servers:
    """A Message Server and, of a pair, its backup; ``members`` are those that may serve, the active one first."""

    primary: Application
    members: Sequence[Application]

    @property
    def pk(self) -> int:
        return self.primary.pk

    @property
    def name(self) -> str:
        return " ⇄ ".join(row.name for row in sorted(self.members, key=lambda row: row.pk != self.pk))

    def last_failover(self, **others: object) -> datetime | None:
        """When the active server changed last. ``others``: what else messages are filtered by, which has no say."""
        return last_failover_of(*(row.pk for row in self.members))


def servers(pk: int) -> Servers:
    """Of either member. Raises NotFound, Http404."""
    rows = [row for row in pair_rows(pk) if row]
    if not rows[0].is_primary and rows[0].is_server:
        rows = [row for row in pair_rows(rows[0].primary_server.pk) if row]
    primary = rows[0]
    if not (primary.is_server and primary.is_runnable):
        raise Http404(f"{primary.name} is no Message Server that Pairwise starts, so it has no messages.")
    state = getattr(primary, "pair_state", None)
    return Servers(primary, sorted(rows, key=lambda row: row.pk != (state.active_id if state else primary.pk)))


def look(found: Servers, *, of: str = EVERYTHING, before: int | None = None, since: datetime | None = None,
         until: datetime | None = None, header: tuple[str, str] | None = None, most: int = SHOWN_MESSAGES) -> Look:
    """The newest messages of ``of`` (a destination, or the beginning of some and ``*``) before the seq ``before``."""
    asked = {"of": of, "most": str(most)}
    if before is not None:
        asked["before"] = str(before)
    for name, moment in (("since", since), ("until", until)):
        if moment is not None:
            asked[name] = str(int(moment.timestamp() * 1000))
    if header:
        asked |= {"name": header[0], "value": header[1]}

    async def talk(line: Line) -> Look:
        return look_of(await line.ask("messages", **asked), line.member)

    return on_line(found.members, talk)


def whole(found: Servers, seq: int, *, longest: int, is_download: bool = False) -> Whole:
    """One message, with at most ``longest`` bytes of its body."""
    # Larger ones than any are none.
    seq = max(1, min(seq, SEQ_MAX - 2))

    async def talk(line: Line) -> Whole:
        said = look_of(await line.ask("messages", of=EVERYTHING, before=str(seq + 1), after=str(seq - 1)), line.member)
        if not said.messages:
            raise Gone(f"Message {seq} is not kept any more, or was never there.")
        [message] = said.messages
        if message.expired:
            raise Gone(f"Message {seq} has expired: its sender did not want it delivered after that, so "
                       f"{line.member} gives it to nobody any more.")
        return Whole(message, await line.stored(seq, longest))

    return on_line(found.members, talk, within_s=DOWNLOAD_S if is_download else TOTAL_S)


def connections(found: Servers) -> Connections:
    async def talk(line: Line) -> Connections:
        return connections_of(await line.ask("connections"), line.member)

    return on_line(found.members, talk)


def connection(found: Servers, session: str) -> Connection:
    """Raises NotRead also for one that has ended."""
    row = next((row for row in connections(found).rows if row.session == session), None)
    if row is None:
        raise Gone("This connection has ended already.")
    return row


def destinations(found: Servers, *, prefix: str = "", after: str = "") -> Destinations:
    async def talk(line: Line) -> Destinations:
        return destinations_of(await line.ask("destinations", **{
            name: value for name, value in {"prefix": prefix, "after": after, "most": str(SHOWN_DESTINATIONS)}.items()
            if value}), line.member)

    return on_line(found.members, talk)


def positions(found: Servers) -> Positions:
    async def talk(line: Line) -> Positions:
        return positions_of(await line.ask("positions"), line.member, line.last_seq)

    return on_line(found.members, talk)


def position(found: Servers, name: str) -> Position:
    row = next((row for row in positions(found).rows if row.name == name), None)
    if row is None:
        raise Gone("There is no such position any more.")
    return row
