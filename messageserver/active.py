"""The active server's door for its standby: who may link, what a link means, when it is given up."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from typing import Any

from protocol.door import Door
from protocol.throttle import Throttle
from protocol.wire import Opening, WireError

from .broker import Broker
from .log import Event, Log
from .ownership import StoreError
from .settings import Peer
from .shipping import Shipping
from .standing import Mode
from .synclink import Refused, SyncLink
from .syncwire import SyncError

STRANGERS_MAX = 64
PROVE_S = 2.0
_numbers = itertools.count(1)


class Active:
    """Takes the standby's connection while this server is the active one. ``state`` is one of messages.LINKS as this
    side sees it, ``reason`` why it is not "synced". ``changed`` is called when either changes, ``deposed`` with the
    newer epoch that the standby was granted."""

    def __init__(self, name: str, broker: Broker, log: Log, changed: Callable[[], None],
                 deposed: Callable[[int], None]):
        self._name, self._broker, self._log = name, broker, log
        self._changed, self._deposed = changed, deposed
        self.peer: Peer | None = None
        self.reason = ""
        self.shipping: Shipping | None = None
        self.common: tuple[int, bytes] = (0, b"")
        self._task: asyncio.Task[Any] | None = None
        self.refused = Throttle(self._log_refused)
        self._door = Door(STRANGERS_MAX, self.refused)
        self._told = False
        self._said = ""

    def begin(self, peer: Peer | None) -> None:
        """This server has become the active one of a pair with ``peer``."""
        self.peer = peer
        self.reason = f"{peer.name} has not connected." if peer else ""

    async def stop(self) -> None:
        """This server is no longer the active one."""
        self.peer = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @property
    def state(self) -> str:
        if self.peer is None:
            return ""
        if self.shipping is None:
            return "down"
        return "synced" if self._broker.standing.mode == Mode.IN_SYNC else "catching_up"

    def standing_changed(self) -> None:
        """Tell the standby once it is recorded as in sync; after a record that it is not, begin to wait for it."""
        in_sync = self._broker.standing.mode == Mode.IN_SYNC
        if self.shipping is None or not self.shipping.met:
            return
        if in_sync and not self._told:
            self.shipping.tell_synced()
        self._told = in_sync
        self.shipping.look()

    # --- connections -------------------------------------------------------------------------------------

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection on the HA Sync port until it ends."""
        try:
            async with self._door.opening(reader, writer) as opening:
                link = await self._admit(opening)
        except (WireError, OSError):
            writer.transport.abort()
            return
        if link is None:
            return
        await self._replace()
        peer = self.peer
        if peer is None or self._broker.standing.epoch != opening.hello.epoch:
            link.abort()  # the role changed meanwhile
            return
        self._task = asyncio.current_task()
        # Only ``stop`` and ``_replace`` cancel it, and they have no use for the news.
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await self._serve(link, peer)
            except Exception as error:  # the link is made anew; the clients' messages are not hurt
                self._log.standard(Event.INTERNAL_ERROR, f"The link to the standby is cut after an internal error: "
                                   f"{type(error).__name__}: {error}.")

    async def _admit(self, opening: Opening) -> SyncLink | None:
        """Check who dials; a link once everything fits, else None after a refusal that says why."""
        hello, peer, epoch = opening.hello, self.peer, self._broker.standing.epoch
        # Who has not shown who it is is told no name.
        if peer is None or self._broker.standing.mode == Mode.DEPOSED:
            await opening.refuse("this server is not the active one")
        elif hello.kind != "standby" or hello.name != peer.name:
            self.refused(f"{hello.name[:255]!r} " + ("is not the other member of this pair" if hello.kind == "standby"
                                                    else f"connects as {hello.kind[:20]!r}, not as a standby"))
            await opening.refuse("only the other member of the pair of this server connects to this port")
        elif not opening.proves(peer.secret):
            self.refused(f"{hello.name} does not know the sync secret of this pair: install it again")
            await opening.refuse("this server has another sync secret: both members must be of the same Pairwise, "
                                 "and have read their configuration since they became a pair")
        elif hello.epoch > epoch:
            await opening.refuse(f"epoch {hello.epoch} is newer than epoch {epoch} of {self._name}")
            self._deposed(hello.epoch)
        elif hello.epoch < epoch:
            await opening.refuse(f"{self._name} acts in epoch {epoch}, {hello.name} has not been granted it yet")
        else:
            await opening.accept(peer.secret)
            return SyncLink(opening.channel, lambda: self._broker.settings.redundancy.standby_timeout_s)
        return None

    def _log_refused(self, why: str) -> None:
        self._log.standard(Event.SYNC_REFUSED, f"A connection to the HA Sync port is refused: {why}.")

    async def _replace(self) -> None:
        """The standby came back before its former connection was seen to end."""
        former, self._task = self._task, None
        if former is not None and not former.done():
            former.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await former

    async def _serve(self, link: SyncLink, peer: Peer) -> None:
        shipping = self.shipping = Shipping(link, self._broker, self._broker.standing.epoch)
        self._told = False
        self.reason = f"{peer.name} is catching up."
        self._changed()
        reason, newer = "this server is no longer the active one", 0
        try:
            await shipping.run()
        except Refused as error:
            reason, newer = str(error), error.epoch
        except (SyncError, OSError) as error:
            reason = str(getattr(error, "strerror", None) or error)
        except StoreError as error:
            reason = f"this server cannot read what it has stored: {error}"
            self._broker.storing.failed(error)
        finally:
            link.abort()
            if self.shipping is shipping:
                self.shipping = None
                self.common = shipping.common
                self.reason = f"The link to {peer.name} is down: {reason}."
                self._broker.stand(self._broker.standing.unlinked())
                if shipping.met or self.reason != self._said:
                    # A standby that fails in the same way again and again is told of once.
                    self._said = self.reason
                    self._log.standard(Event.SYNC_LOST, self.reason)
                self._changed()
        if newer > self._broker.standing.epoch:
            self._deposed(newer)

    # --- questions ---------------------------------------------------------------------------------------

    @property
    def common_point(self) -> tuple[int, bytes]:
        """(seq, running digest there) of the last record that both members are known to have."""
        shipping = self.shipping
        return shipping.common if shipping else self.common

    async def prove(self) -> str:
        """Why a write would not be acknowledged now, "" when it would: the disk takes a write, and the standby, when
        it counts, accepts this epoch. Raises StoreError."""
        broker = self._broker
        if not broker.serving or broker.storing.unavailable:
            return broker.storing.unavailable or "this server does not serve"
        await broker.storing.run(broker.store.prove)
        standing = broker.standing
        if standing.may_go_alone:
            return ""
        if self.shipping is None:
            return self.reason or "the standby is not linked"
        try:
            await self.shipping.prove(next(_numbers), PROVE_S)
        except (TimeoutError, SyncError) as error:
            return f"the standby does not confirm: {str(error) or 'no answer in time'}"
        return "" if broker.serving and broker.standing.mode != Mode.DEPOSED else "this server does not serve"
