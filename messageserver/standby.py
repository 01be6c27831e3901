"""The standby's side of the sync link: dials the active server, cuts its own log back to the common point, follows."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from protocol.events import Own
from protocol.pauses import doubling
from protocol.tasks import until_one_ends
from protocol.wire import Channel, RefusedError, UntrustedError, WireError, dial

from .broker import Broker
from .log import Event, Log
from .ownership import StaleEpoch, StoreError
from .secured import NotSecured, dialling_context
from .settings import Peer
from .synclink import SyncLink
from .syncwire import Batch, Kind, SyncError, ack, echo, read_batch, read_echo, read_trim, read_words, trim, words

RETRY_FIRST_S, RETRY_MAX_S = 0.05, 0.5
GROUP_BYTES = 8 * 1024 * 1024
"""Most bytes of batches that are written as one transaction."""
WAITING_BYTES = 32 * 1024 * 1024
"""With so much waiting for the disk, the link is no longer read from."""
DIAL_S = 2.0


class Standby:
    """Follows the active server while this one stands by. ``state`` is one of messages.LINKS, ``reason`` why it is not
    "synced"; ``changed`` is called when either changes."""

    def __init__(self, name: str, broker: Broker, log: Log, changed: Callable[[], None]):
        self._name, self._broker, self._log, self._changed = name, broker, log, changed
        self.state, self.reason = "down", "It has not connected to the active server yet."
        self._task: asyncio.Task[None] | None = None
        self._link: SyncLink | None = None
        self._said = ""
        self._trim_to = 0

    def follow(self, peer: Peer) -> None:
        """Connect to ``peer``, and again whenever the link is lost, until ``stop``."""
        if self._task is None:
            self._set("down", "It has not connected to the active server yet.")
            self._task = self._broker.tasks.start(self._follow(peer), "standby")

    async def stop(self, *, epoch: int = 0) -> None:
        """End the link; the active server hears that ``epoch`` was granted here."""
        task, self._task = self._task, None
        if task is None:
            return
        if self._link is not None and epoch:
            self._link.refuse(f"{self._name} was granted epoch {epoch}", epoch)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        self._broker.housekeeping.trims_alone = False
        self._set("", "")

    def _set(self, state: str, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self._changed()

    def _note(self, event: Event, sentence: str) -> None:
        """Log what repeats itself once."""
        if sentence != self._said:
            self._said = sentence
            self._log.standard(event, sentence)

    async def _follow(self, peer: Peer) -> None:
        waits = doubling(RETRY_FIRST_S, RETRY_MAX_S)
        while True:
            if not self._broker.storing.unavailable:
                try:
                    await self._linked(peer)
                except StoreError as error:
                    self._lost(peer, f"this server cannot store: {error}")
                    if not isinstance(error, StaleEpoch):
                        self._broker.storing.failed(error)
                except (SyncError, NotSecured, WireError, OSError, TimeoutError) as error:
                    self._lost(peer, str(getattr(error, "strerror", None) or error) or "no answer in time")
                    if self._was_linked:
                        waits = doubling(RETRY_FIRST_S, RETRY_MAX_S)
            else:
                self._set("down", self._broker.storing.unavailable)
            await asyncio.sleep(next(waits))

    def _lost(self, peer: Peer, reason: str) -> None:
        self._set("down", f"The link to {peer.name} is down: {reason}.")
        self._note(Event.SYNC_LOST, f"The link to the active server {peer.name} is down: {reason}. It is tried again.")

    # --- one link ----------------------------------------------------------------------------------------

    async def _linked(self, peer: Peer) -> None:
        self._was_linked, self._trim_to = False, 0
        channel = await self._dial(peer)
        link = self._link = SyncLink(channel, lambda: self._broker.settings.redundancy.standby_timeout_s)
        try:
            await self._meet(link)
            self._was_linked = True
            self._set("catching_up", f"It takes over what it lacks from {peer.name}.")
            self._note(Event.SYNC_LINKED, f"The standby is linked to the active server {peer.name}; it continues after "
                       f"record {self._broker.last_seq}.")
            await self._apply_all(link)
        finally:
            self._link = None
            await link.close()

    async def _dial(self, peer: Peer) -> Channel:
        held = self._broker.store.held
        error: OSError | None = None
        context = dialling_context(self._broker.settings.sync_port) if peer.secured else None
        for address in peer.addresses:
            try:
                return await dial(address, peer.port, kind="standby", name=self._name, secret=peer.secret,
                                  timeout_s=DIAL_S, context=context, epoch=held.epoch,
                                  record_version=held.record_version, role=held.role, copy=self._broker.store.copy)
            except RefusedError:
                raise
            except (OSError, TimeoutError) as failed:
                # That a certificate is wrong is worth more than that another address does not answer.
                error = error if isinstance(error, UntrustedError) else failed
        raise error or SyncError("the other member has no address")

    async def _meet(self, link: SyncLink) -> None:
        """Agree with the active server on the common point, and cut back to it."""
        store = self._broker.store
        epochs = await self._broker.storing.run(store.epochs)
        for known in (epochs, []):
            link.send(words(Kind.POSITION, last_seq=store.last_seq, first_seq=store.first_seq, epochs=known,
                            copy=store.copy, trims=True))
            start = read_words(await link.expect(Kind.START), epoch=int, full=bool, common=int, seq=int, digest=str)
            digest = bytes.fromhex(start["digest"])
            if start["full"] or await self._broker.storing.run(store.digest_at, start["common"]) == digest:
                break
        else:
            raise SyncError("the copies differ although they have nothing in common")
        self._broker.housekeeping.trims_alone = start.get("trims") is not True
        if start["full"] and start["seq"] + 1 < store.first_seq <= store.last_seq + 1 != 1:
            self._log.standard(Own.GAP, f"This copy begins with record {store.first_seq}, the active server's with "
                               f"{start['seq'] + 1}: everything is fetched anew.")
        removed = await self._broker.take_foreign(self._begin, start, digest, patient=True)
        if removed:
            self._log.standard(Event.TAIL_DISCARDED, f"{removed} records after record {start['common']} were never "
                               "acknowledged by the active server's line of records: they are kept in a file "
                               f"discarded-….jsonl in {store.directory} and are no longer part of the messages.")
        link.send(words(Kind.READY, last_seq=store.last_seq))

    def _begin(self, start: dict[str, Any], digest: bytes) -> int:
        """Cut back to the common point, or begin a full copy; in the store's thread. How many records were put
        aside."""
        store = self._broker.store
        if (start["epoch"], "backup") != (store.held.epoch, store.held.role):
            raise StaleEpoch(f"the active server acts in epoch {start['epoch']}, here epoch {store.held.epoch} is held")
        if start["full"]:
            return store.begin_anew(start["common"], start["seq"], digest, start.get("ages"),
                                    start.get("marks"))
        return store.cut_back(start["common"])

    async def _apply_all(self, link: SyncLink) -> None:
        """Read and write at the same time, so that one fsync serves all batches that came meanwhile."""
        waiting: list[bytes] = []
        came, room = asyncio.Event(), asyncio.Event()
        await until_one_ends(self._read(link, waiting, came, room), self._write(link, waiting, came, room), link.beat())

    async def _read(self, link: SyncLink, waiting: list[bytes], came: asyncio.Event, room: asyncio.Event) -> None:
        while True:
            kind, payload = await link.receive()
            if kind == Kind.BATCH:
                waiting.append(payload)
                came.set()
            elif kind == Kind.ECHO:
                await self._confirm_epoch(link, read_echo(payload))
            elif kind == Kind.SYNCED:
                self._set("synced", "")
            elif kind == Kind.TRIM:
                self._trim_to = max(self._trim_to, read_trim(payload))
                came.set()
            else:
                raise SyncError(f"the other member sent {kind.name}, which is not for an active server to send")
            while sum(map(len, waiting)) > WAITING_BYTES:
                room.clear()
                await room.wait()

    async def _confirm_epoch(self, link: SyncLink, number: int) -> None:
        held = self._broker.store.held
        await self._broker.storing.run(self._broker.store.prove)
        if (held.epoch, held.role) == (self._broker.store.held.epoch, "backup"):
            link.send(echo(number))

    async def _write(self, link: SyncLink, waiting: list[bytes], came: asyncio.Event, room: asyncio.Event) -> None:
        while True:
            await came.wait()
            came.clear()
            while waiting:
                payloads, size = [], 0
                while waiting and size < GROUP_BYTES:
                    payloads.append(waiting.pop(0))
                    size += len(payloads[-1])
                room.set()
                epoch, seq, digest = await self._broker.take_foreign(self._store, payloads)
                self._broker.checkpoints.wrote(size)
                link.send(ack(epoch, seq, digest))
                await link.drained()
                await self._follow_trim(link)
            await self._follow_trim(link)

    async def _follow_trim(self, link: SyncLink) -> None:
        """Remove what the active server says that retention does not keep, as far as it has come here."""
        store, broker = self._broker.store, self._broker
        first = store.first_seq
        if self._trim_to < first:
            return
        while min(self._trim_to, store.last_seq) >= store.first_seq:
            await broker.take_foreign(store.trim_to, self._trim_to)
        if store.first_seq > first:
            broker.housekeeping.followed(first, store.first_seq - 1)
            link.send(trim(store.first_seq - 1))

    def _store(self, payloads: list[bytes]) -> tuple[int, int, bytes]:
        """Write the batches; in the store's thread. (epoch, last seq, digest)."""
        store = self._broker.store
        batches: list[Batch] = [read_batch(payload) for payload in payloads]
        store.append_foreign(batches)
        return batches[-1].epoch, store.last_seq, store.digest

