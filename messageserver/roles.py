"""Carries out what control says of the role: grants, what is recorded, stepping down; and what a lost role means."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

from protocol.pair_messages import Probe, Probed, Recorded, StepDown
from protocol.server_messages import Grant

from .active import Active
from .broker import Broker
from .log import Event, Log
from .ownership import StaleEpoch, StoreError
from .ports import PortError, Ports
from .settings import Settings
from .standby import Standby
from .standing import Mode

DRAIN_S = 2.0
"""How long a server that steps down waits for what it has accepted."""
OTHER_MEMBER = "Connect to the other member of the pair."


class Roles:
    """The role of one server. ``changed`` is called when something a Report tells has changed.

    ``role`` is "" while none is held; ``trouble`` a sentence about why a held role cannot be acted in, or "".
    """

    def __init__(self, settings: Settings, log: Log, broker: Broker, ports: Ports, changed: Callable[[], None]):
        self._settings, self._log, self._broker, self._ports = settings, log, broker, ports
        self._changed = changed
        self.role = self.trouble = ""
        self._waiting_grant: Grant | None = None
        self._waiting_word: Recorded | None = None
        self._isolated_since: float | None = None
        self.standby = Standby(settings.name, broker, log, changed)
        self.active = Active(settings.name, broker, log, changed, self._newer_epoch)
        self._turn = asyncio.Lock()
        """Held while the role changes: ports must not open and close at the same time."""

    # --- what control says -------------------------------------------------------------------------------

    async def grant(self, grant: Grant) -> None:
        if grant.role in ("primary", "backup"):
            async with self._turn:
                await self._take(grant)

    async def _take(self, grant: Grant) -> None:
        broker, was, before = self._broker, self.role, self._broker.standing
        if grant.role == "primary" and grant.epoch == before.epoch:
            return  # taken before: to begin anew would forget what was claimed in this epoch
        if grant.epoch < (held := broker.store.held.epoch):
            self._refused(f"epoch {grant.epoch} was granted, but epoch {held} is already held")
            return
        if grant.role == "backup":
            await self._stop_serving(f"This server is the backup now. {OTHER_MEMBER}")
        else:
            await self.standby.stop(epoch=grant.epoch)
        try:
            await broker.take_epoch(grant, strict=self._settings.redundancy.strict and self._settings.peer is not None)
        except StaleEpoch as error:
            self._refused(str(error))
            return
        except StoreError:
            self._waiting_grant = grant  # taken when the store works again
            return
        if before.epoch != grant.epoch:
            await self.active.stop()
        self._waiting_grant, self.role, self.trouble = None, grant.role, ""
        if was != grant.role:
            self._announce(grant)
        await self._act()
        self._changed()

    def _refused(self, why: str) -> None:
        self._log.standard(Event.GRANT_REFUSED, f"A grant of control is refused: {why}.")

    def _announce(self, grant: Grant) -> None:
        primary = grant.role == "primary"
        self._log.standard(Event.RUNMODE_PRIMARY if primary else Event.RUNMODE_BACKUP,
                           f"Run mode is {grant.role} in epoch {grant.epoch}: {grant.reason}")
        self._log.standard(Event.WARM_STANDBY_PRIMARY if primary else Event.WARM_STANDBY_BACKUP,
                           f"Warm Standby: this server is activated as {grant.role}.")

    async def recorded(self, message: Recorded) -> None:
        """Control has recorded what the pair's record says of the standby."""
        broker = self._broker
        if message.epoch != broker.standing.epoch:
            self._waiting_word = None
            return
        try:
            # On this disk before anything is acknowledged on the strength of it: when an older copy of the record is
            # put back, this server knows.
            await broker.storing.note_version(message.record_version, message.generation)
        except StoreError as error:
            self._waiting_word = message  # counts when the store works again
            broker.storing.failed(error)
            return
        self._waiting_word = None
        broker.stand(broker.standing.recorded(message.epoch, message.record_version, message.in_sync))
        self.standing_changed()
        self._changed()

    async def step_down(self, message: StepDown) -> None:
        """Finish what was accepted, let the clients go, never acknowledge in this epoch again."""
        async with self._turn:
            broker = self._broker
            if self.role != "primary" or message.epoch != broker.standing.epoch:
                return
            self._log.standard(Event.STANDING_CHANGED, f"This server hands over: {message.reason}")
            await self._close_ports(clients_only=True)
            broker.roster.suspend()
            # What waits for a disk that is silent is not confirmed by waiting.
            if not await broker.settled(0.0 if broker.housekeeping.disk_is_silent else DRAIN_S):
                self._log.standard(Event.STANDING_CHANGED, "Some messages were not confirmed in time; their senders "
                                   "send them again to the other member.")
            await self._release("")

    async def probe(self, message: Probe) -> Probed:
        """Prove whether a write would be acknowledged now."""
        if message.log:
            return await self._log_of(message)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            reason = await self.active.prove() if self.role == "primary" else (
                "this server stands by" if self.role else "this server has no role")
        except StoreError as error:
            reason = f"the disk does not take a write: {error}"
        return Probed(id=message.id, accepts=not reason, reason=reason, took_ms=(loop.time() - began) * 1000)

    async def _log_of(self, message: Probe) -> Probed:
        """What this server has, whatever its role."""
        store = self._broker.store

        def look() -> dict[str, Any]:
            digest = store.digest_at(message.at) if message.at <= store.last_seq else None
            return {"first_seq": store.first_seq, "last_seq": store.last_seq, "epochs": store.epochs(),
                    "digest": digest.hex() if digest else ""}

        try:
            return Probed(id=message.id, accepts=False, log=await self._broker.storing.run(look))
        except StoreError as error:
            return Probed(id=message.id, accepts=False, reason=str(error))

    # --- acting in a role --------------------------------------------------------------------------------

    async def _act(self) -> None:
        if self.role == "backup" and self._settings.peer is not None:
            self.standby.follow(self._settings.peer)
        if self.role == "primary":
            self.active.begin(self._settings.peer)
            await self._serve()

    async def _serve(self) -> None:
        """Listen; a port that cannot be opened is tried again with each report."""
        self._broker.serving = True
        try:
            opened = await self._ports.listen()
            if self._settings.peer is not None and (port := await self._ports.listen_for_standby(
                    self.active.connected)):
                opened.append(port)
        except PortError as error:
            if self.trouble != str(error):
                self.trouble = str(error)
                self._log.standard(Event.PORT_UNABLE_TO_OPEN, self.trouble)
            return
        self.trouble = ""
        for port in opened:
            whom = "the standby" if port.ha_sync else "clients"
            self._log.standard(Event.PORT_OPENED, f"Port {port.number} ({port.id}) is opened for {whom}.")

    async def _stop_serving(self, sentence: str) -> None:
        self._broker.serving = False
        await self._close_ports(clients_only=False)
        self._broker.roster.close(sentence)

    async def _close_ports(self, *, clients_only: bool) -> None:
        try:
            await (self._ports.stop_clients() if clients_only else self._ports.stop_listening())
        except PortError as error:
            self._log.standard(Event.PORT_UNABLE_TO_OPEN, str(error))

    async def _release(self, sentence: str) -> None:
        """Give up the role of primary; nothing is acknowledged in its epoch any more."""
        self.role = self.trouble = ""
        self._broker.stand(self._broker.standing.deposed())
        await self._stop_serving(sentence)
        await self.active.stop()
        self._changed()

    def _newer_epoch(self, epoch: int) -> None:
        """The standby was granted a newer epoch, so this server is not the active one any more."""
        standing = self._broker.standing
        # What the standby said before this server was granted that very epoch is late.
        if self.role == "primary" and standing.epoch < epoch and standing.mode != Mode.DEPOSED:
            # At once, before anything else is acknowledged; the rest follows.
            self._broker.stand(standing.deposed())
            self._log.standard(Event.DEPOSED, f"The other member was granted epoch {epoch}: this server is no longer "
                               "the active one and serves no clients.")
            self._broker.tasks.start(self._give_way(), "giving way")

    async def _give_way(self) -> None:
        async with self._turn:
            if self.role == "primary" and self._broker.standing.mode == Mode.DEPOSED:
                await self._release(f"This server is not the active one any more. {OTHER_MEMBER}")

    # --- time --------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Called with each report: what waited may work now, and an active server that nobody confirms lets its
        clients try the other member."""
        self.standing_changed()
        if self._waiting_word is not None and not self._broker.storing.unavailable:
            await self.recorded(self._waiting_word)
        if self._turn.locked():
            return
        async with self._turn:
            if self._waiting_grant is not None:
                if not self._broker.storing.unavailable:
                    await self._take(self._waiting_grant)
            elif self.role == "primary":
                await self._look_at_isolation()

    async def _look_at_isolation(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._broker.standing.mode == Mode.DEPOSED:
            return
        if self._broker.standing.mode != Mode.LEAVING:
            self._isolated_since = None
            if self.trouble or not self._broker.serving:
                await self._serve()
            return
        self._isolated_since = self._isolated_since or now
        if now - self._isolated_since >= self._settings.redundancy.standby_timeout_s and self._broker.serving:
            self.trouble = ("Neither the standby nor control confirms what is sent, so nothing is "
                            "acknowledged until one of them can be reached.")
            self._log.standard(Event.SERVICE_UNAVAILABLE, self.trouble)
            self._broker.serving = False
            await self._close_ports(clients_only=True)
            self._broker.roster.close(f"This server cannot confirm messages now. {OTHER_MEMBER}")
            self._changed()

    def standing_changed(self) -> None:
        """Hand on to the standby what was recorded."""
        self.active.standing_changed()

    async def apply(self, settings: Settings) -> None:
        """Later Configuration: the other member may be another one, or reached otherwise."""
        before, self._settings = self._settings, settings
        async with self._turn:
            if settings.redundancy.strict != before.redundancy.strict and settings.peer is not None:
                self._be_strict(settings.redundancy.strict)
            if settings.peer != before.peer and self.role:
                await self.standby.stop()
                await self.active.stop()
                await self._act()

    def _be_strict(self, strict: bool) -> None:
        standing = dataclasses.replace(self._broker.standing, strict=strict)
        # Without a link, a server that may go alone again asks for it.
        self._broker.stand(standing if strict or self.active.shipping else standing.unlinked())

    async def stop(self) -> None:
        await self.standby.stop()
        await self.active.stop()

    # --- what a Report tells -----------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """The fields of a Report that are about the pair."""
        broker = self._broker
        wish, version, copy = broker.standing.wish if self.role == "primary" else ("", 0, "")
        if self.role == "primary":
            link, link_reason, (seq, digest) = self.active.state, self.active.reason, self.active.common_point
        else:
            link, link_reason, seq, digest = self.standby.state, self.standby.reason, broker.last_seq, broker.digest
        if link == "synced":
            link_reason = ""
        return {"copy": broker.store.copy, "link": link if self.role else "", "link_reason": link_reason,
                "standby": wish, "standby_version": version, "standby_copy": copy, "common_seq": seq,
                "common_digest": digest.hex(), "discarded": broker.store.discarded}
