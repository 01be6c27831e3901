"""The active server's side of the sync link: brings one standby up to date and keeps it there.

Records go from memory while the standby keeps up, from the disk while it does not. The standby confirms what is on its
disk; ``Standing`` says what follows from that.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from protocol.beats import next_beat
from protocol.tasks import until_one_ends

from .broker import Broker
from .position import Position, meeting, read_position
from .reader import Reader
from .records import NO_DIGEST, Record, Row
from .synclink import SyncLink
from .syncwire import Kind, SyncError, batch, echo, frame, read_ack, read_echo, read_trim, read_words, trim, words

BATCH_RECORDS, BATCH_BYTES = 4000, 2 * 1024 * 1024
WINDOW_BYTES = 16 * 1024 * 1024
"""Bytes that may be under way to the standby without its confirmation."""
BUFFER_BYTES, ROW_OVERHEAD = 16 * 1024 * 1024, 64
"""Records kept in memory for the standby; beyond that they are read from the disk again."""
CLOSE_RECORDS, CLOSE_RECORDS_A_SECOND = 4000, 2000
"""A standby that lacks no more than this is close: acknowledgements begin to wait for it. The longer it takes to catch
up with busy senders, the more it may lack, so that it gets there in the end."""


class Shipping:
    """One linked standby. ``run`` returns never: it raises SyncError, OSError or StoreError when the link ends."""

    def __init__(self, link: SyncLink, broker: Broker, epoch: int):
        self._link, self._broker, self.epoch = link, broker, epoch
        self._loop = asyncio.get_running_loop()
        self._reading = broker.disk.thread("shipping")
        self._buffer: deque[tuple[list[Row], int]] = deque()
        self._buffered = 0
        self._sent_seq = self.confirmed_seq = 0
        self.confirmed_digest = b""
        self._under_way: deque[tuple[int, int, bytes]] = deque()
        self._bytes_under_way = 0
        self._more, self._room = asyncio.Event(), asyncio.Event()
        self._echoes: dict[int, asyncio.Future[None]] = {}
        self._progress_at = self._linked_at = self._loop.time()
        self.copy = ""
        self._follows_trims, self._trimmed_there, self._trim_news = False, 0, asyncio.Event()
        self.met = False
        """The common point is agreed on, and records are under way."""

    async def run(self) -> None:
        try:
            await self._meet()
            reader = await self._reading.run(Reader, self._broker.store.directory)
            try:
                await self._keep_up(reader)
            finally:
                # Nobody waits for it: its disk may be what the link ended for.
                self._reading.post(reader.close)
        finally:
            self._broker.disk.release(self._reading)

    async def _keep_up(self, reader: Reader) -> None:
        """Send what the standby lacks, and whatever comes; ``reader`` is for what is no longer in memory."""
        self.met = True
        self._broker.stand(self._broker.standing.linked(self.copy, self._sent_seq))
        self._broker.on_formed, self._broker.on_stored = self._formed, self.look
        if self._follows_trims:
            self._broker.housekeeping.trim_there = self._trim_there
            self._link.send(trim(self._broker.store.first_seq - 1))
        self._more.set()
        try:
            await until_one_ends(self._ship(reader), self._hear(), self._link.beat(), self._watch())
        finally:
            self._broker.on_formed = self._broker.on_stored = self._broker.housekeeping.trim_there = None
            for waiting in self._echoes.values():
                waiting.cancel()

    def tell_synced(self) -> None:
        """The standby is recorded as in sync."""
        self._link.send(frame(Kind.SYNCED))

    def look(self) -> None:
        """See whether there is something to send, or else whether the standby is close."""
        self._more.set()

    # --- the common point ------------------------------------------------------------------------------

    async def _meet(self) -> None:
        """Agree on where the copies part; afterwards the standby has everything up to ``_sent_seq``."""
        position = read_position(await self._link.expect(Kind.POSITION))
        self.copy, self._follows_trims = position.copy, position.trims
        start = await self._begin_at(position)
        kind, payload = await self._link.receive()
        if kind == Kind.POSITION:
            # It has other records at the common point, as two servers that were single before they became a pair.
            start = await self._begin_at(read_position(payload))
            kind, payload = await self._link.receive()
        if kind != Kind.READY or read_words(payload, last_seq=int)["last_seq"] != start["seq"]:
            raise SyncError("the other member is not where it was told to begin")
        self._sent_seq = self.confirmed_seq = start["seq"]
        self.confirmed_digest = bytes.fromhex(start["digest"])

    async def _begin_at(self, position: Position) -> dict[str, Any]:
        """Tell the standby where to begin, as the fields of the START frame. Raises SyncError when it would have to
        give up what control may still promote it for."""
        broker = self._broker
        await broker.consumption.complete()
        start = await broker.storing.run(self._start, position)
        if start["full"] and not broker.standing.may_empty(self.copy):
            broker.stand(broker.standing.forsaken())
            raise SyncError("it needs a full copy, which begins once control has recorded that it is not in sync")
        self._link.send(words(Kind.START, **start))
        return start

    def _start(self, position: Position) -> dict[str, Any]:
        """The fields of the START frame; in the store's thread."""
        store = self._broker.store
        common, goes_on = meeting(position, store.epochs(), first_seq=store.first_seq, last_seq=store.last_seq,
                                  kept_after=store.kept_after())
        if goes_on:
            digest = store.digest_at(common)
            if digest is not None:
                return {"epoch": self.epoch, "full": False, "common": common, "seq": common, "digest": digest.hex(),
                        "trims": True}
        base = store.first_seq - 1
        return {"epoch": self.epoch, "full": True, "common": common, "seq": base,
                "digest": (store.digest_at(base) or NO_DIGEST).hex(), "trims": True, "ages": store.ages.told(),
                "marks": store.marks.told(base)}

    # --- retention ---------------------------------------------------------------------------------------

    async def _trim_there(self, upto: int, wait: bool) -> bool:
        """Let the standby remove its records up to ``upto``; with ``wait`` True once it has done so, False when it does
        not in time."""
        self._link.send(trim(upto))
        if not wait:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._broker.settings.redundancy.standby_timeout_s):
                while self._trimmed_there < upto:
                    self._trim_news.clear()
                    await self._trim_news.wait()
        return self._trimmed_there >= upto

    def _trimmed(self, upto: int) -> None:
        self._trimmed_there = max(self._trimmed_there, upto)
        self._trim_news.set()

    # --- sending -----------------------------------------------------------------------------------------

    def _formed(self, rows: list[Row]) -> None:
        """A group goes to this disk: send it to a standby that lacks nothing else, or keep it for it, as far as there
        is room."""
        follows = rows[0][0] == self._sent_seq + 1 and not self._buffer
        if follows and self._bytes_under_way <= WINDOW_BYTES and self._link.is_open:
            self._send(rows, batch(self.epoch, rows))
            return
        if self._buffered > BUFFER_BYTES:
            self._buffer.clear()
            self._buffered = 0
        size = sum([len(row[4]) + len(row[5]) + ROW_OVERHEAD for row in rows])
        self._buffer.append((rows, size))
        self._buffered += size
        self._more.set()

    async def _ship(self, reader: Reader) -> None:
        while True:
            while self._bytes_under_way > WINDOW_BYTES:
                self._room.clear()
                await self._room.wait()
            rows = self._from_memory()
            if rows is not None:
                self._send(rows, batch(self.epoch, rows))
            elif self._sent_seq < self._broker.last_seq:
                read, data = await self._reading.run(self._from_disk, reader)
                if not read:
                    raise SyncError(f"record {self._sent_seq + 1} is no longer kept here")
                self._send(read, data)
            else:
                self._more.clear()
                self._join_if_close()
                await self._more.wait()
            await self._link.drained()

    def _from_memory(self) -> list[Row] | None:
        """Records that follow what was sent, from the buffer; None when they are not there."""
        while self._buffer:
            rows, size = self._buffer[0]
            if rows[0][0] > self._sent_seq + 1:
                return None
            self._buffer.popleft()
            self._buffered -= size
            if rows[-1][0] > self._sent_seq:
                return rows[self._sent_seq + 1 - rows[0][0]:]
        return None

    def _from_disk(self, reader: Reader) -> tuple[list[Record], bytes]:
        found = reader.read(self._sent_seq + 1, self._broker.last_seq, limit=BATCH_RECORDS, max_bytes=BATCH_BYTES)
        rows = found.records
        if not rows or rows[0].seq != self._sent_seq + 1:
            return [], b""
        return rows, batch(self.epoch, rows)

    def _send(self, rows: Sequence[Row], data: bytes) -> None:
        if not self._under_way:
            self._progress_at = self._loop.time()
        self._sent_seq = rows[-1][0]
        self._under_way.append((self._sent_seq, len(data), rows[-1][7]))
        self._bytes_under_way += len(data)
        self._link.send(data)

    def _join_if_close(self) -> None:
        close = CLOSE_RECORDS + CLOSE_RECORDS_A_SECOND * int(self._loop.time() - self._linked_at)
        if self._broker.last_seq - self.confirmed_seq <= close:
            self._broker.stand(self._broker.standing.joined())

    # --- hearing -----------------------------------------------------------------------------------------

    async def _hear(self) -> None:
        while True:
            kind, payload = await self._link.receive()
            if kind == Kind.ACK:
                self._confirmed(*read_ack(payload))
            elif kind == Kind.TRIM:
                self._trimmed(read_trim(payload))
            elif kind == Kind.ECHO:
                waiting = self._echoes.pop(read_echo(payload), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)
            else:
                raise SyncError(f"the other member sent {kind.name}, which is not for a standby to send")

    def _confirmed(self, epoch: int, seq: int, digest: bytes) -> None:
        if epoch != self.epoch or seq > self._sent_seq:
            raise SyncError(f"the other member confirmed record {seq} of epoch {epoch}, which it was not sent")
        while self._under_way and self._under_way[0][0] <= seq:
            upto, size, ours = self._under_way.popleft()
            self._bytes_under_way -= size
            if upto == seq and ours != digest:
                raise SyncError(f"the digests differ at record {seq}: the copies are not the same")
        self._progress_at = self._loop.time()
        if seq > self.confirmed_seq:
            self.confirmed_seq, self.confirmed_digest = seq, digest
            self._broker.stand(self._broker.standing.confirmed(epoch, seq))
        self._room.set()
        self._join_if_close()

    async def _watch(self) -> None:
        """A standby that does not confirm what it was sent is given up after the standby timeout."""
        while True:
            limit_s = self._broker.settings.redundancy.standby_timeout_s
            await next_beat(min(0.25, limit_s / 4))
            waited = self._loop.time() - self._progress_at
            if self._under_way and waited > limit_s:
                raise SyncError(f"it has confirmed nothing for {waited:.1f} s (option redundancy/standby-timeout)")

    async def prove(self, number: int, timeout_s: float) -> None:
        """Wait until the standby's store has confirmed that it accepts this epoch. Raises TimeoutError, SyncError."""
        waiting = self._echoes[number] = self._loop.create_future()
        self._link.send(echo(number))
        try:
            async with asyncio.timeout(timeout_s):
                await waiting
        except asyncio.CancelledError:
            if waiting.cancelled():
                raise SyncError("the link to the standby was lost") from None
            raise
        finally:
            self._echoes.pop(number, None)

    @property
    def common(self) -> tuple[int, bytes]:
        """(seq, running digest there) of the last record that is on both disks."""
        if self.confirmed_seq > self._broker.last_seq:
            return self._broker.last_seq, self._broker.digest
        return self.confirmed_seq, self.confirmed_digest

    @property
    def lag(self) -> int:
        """Records that the standby lacks."""
        return max(0, self._broker.last_seq - self.confirmed_seq)

