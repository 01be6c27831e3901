"""Follows what the console changes: objects are read again, servers and agents get what is new for them."""

import asyncio
import logging

from . import objects
from .database import Database, DatabaseAway
from .directory import Directory
from .ledger import Ledger
from .live import LiveApplication, LiveHost
from .solution import SolutionControl

log = logging.getLogger(__name__)

COMPARE_S = 10.0
"""A change whose notice did not arrive is found so often."""
PAUSE_EVERY = 100
REMOVED = "Its agent was removed from the machine: nothing here is managed until it joins again."


class Reloader:
    """One reload at a time, so that an older reading never overwrites a newer one."""

    def __init__(self, solution: SolutionControl, database: Database, directory: Directory, ledger: Ledger):
        self._solution, self._world = solution, solution.world
        self._database, self._directory, self._ledger = database, directory, ledger
        self._lock = asyncio.Lock()
        self._compared: tuple[object, ...] = ()
        self._is_untold = False

    async def changed(self, applications: list[str], hosts: list[str]) -> None:
        """Read these again and tell everybody concerned. Raises DatabaseAway."""
        async with self._lock:
            touched = await self._hosts(hosts) if hosts else set()
            # What a server is told of its host and of the other member's stands in its own configuration.
            of_hosts = [live.facts.name for host_id in touched for live in self._world.of_host(host_id)]
            if applications or of_hosts:
                touched |= await self._applications([*applications, *of_hosts])
            await self._supervise(touched)
            await self._publishers()

    async def run(self) -> None:
        """Compare everything from time to time, until cancelled."""
        while True:
            try:
                await self.compare()
                async with self._lock:
                    await self._publishers()
                await self._warm()
            except DatabaseAway as error:
                log.warning("objects were not compared: %s", error)
            except Exception:
                log.exception("objects could not be compared")
            await asyncio.sleep(COMPARE_S)

    async def compare(self) -> None:
        """Find and follow changes whose notice never came. Raises DatabaseAway."""
        fingerprint = await self._database.run(objects.fingerprint)
        if fingerprint == self._compared:
            return
        applications = await self._database.run(objects.applications)
        hosts = await self._database.run(objects.hosts)
        differing = {live.facts for live in self._world.applications.values()} ^ set(applications)
        differing_hosts = {host.facts for host in self._world.hosts.values()} ^ set(hosts)
        if differing or differing_hosts:
            await self.changed([facts.name for facts in differing], [facts.name for facts in differing_hosts])
        await self._ledger.exist(facts.id for facts in applications)
        self._compared = fingerprint

    async def _warm(self) -> None:
        world = self._world
        await self._directory.warm([live.facts.name for live in world.applications.values()],
                                   [host.facts.name for host in world.hosts.values()], list(world.hosts))

    async def _publishers(self) -> None:
        """Tell servers and agents where to publish, once it is somewhere else."""
        self._is_untold |= await self._solution.configurations.log_pairs.look(self._database)
        if self._is_untold:
            await self._configure([live for live in self._world.applications.values() if live.connection])
            await self._supervise({host.facts.id for host in self._world.hosts.values() if host.peer is not None})
            self._is_untold = False

    async def _hosts(self, names: list[str]) -> set[int]:
        """Ids of the hosts whose agents need their list again."""
        found = {host.id: host for host in await self._database.run(objects.hosts, names)}
        asked = {live.facts.id for name in names if (live := self._world.host(name)) is not None}
        for host_id in asked - set(found):
            renamed = await self._database.run(objects.host_by_id, host_id)
            if renamed is not None:
                found[host_id] = renamed
                continue
            host = self._world.drop_host(host_id)
            if host is not None and host.peer is not None:
                host.peer.cut(f"host {host.facts.name} was deleted")
        await self._directory.hosts.follow([*names, *(facts.name for facts in found.values())])
        for facts in found.values():
            former = self._world.hosts.get(facts.id)
            was_managed = former is None or former.facts.managed
            host = self._world.put_host(facts)
            await self._shut_out(host)
            if was_managed != facts.managed:
                self._managed(host)
        return set(found)

    async def _shut_out(self, host: LiveHost) -> None:
        """End the connection of an agent whose secret is not the host's any more: another machine joined as it."""
        known = await self._directory.hosts.get(host.facts.name) if host.peer is not None else None
        if known is not None and host.peer is not None and known.secret != host.proven:
            host.peer.cut(f"host {host.facts.name} was given a new secret")

    def _managed(self, host: LiveHost) -> None:
        """Its agent was removed, or it joined again."""
        if not host.facts.managed and host.peer is None:
            self._solution.put_host(host, "Disconnected", REMOVED)
        for live in self._world.of_host(host.facts.id):
            self._solution.refresh(live)

    async def _applications(self, names: list[str]) -> set[int]:
        """Ids of the hosts whose lists changed with these applications."""
        ids = [live.facts.id for name in names if (live := self._world.application(name)) is not None]
        found = await self._database.run(objects.applications, names, ids)
        known_as = [live.facts.name for facts in found if (live := self._world.applications.get(facts.id)) is not None]
        await self._directory.applications.follow(dict.fromkeys([*names, *known_as, *(facts.name for facts in found)]))
        hosts: set[int] = set()
        for application_id in set(ids) - {facts.id for facts in found}:
            hosts |= self._dropped(self._world.drop_application(application_id))
        for number, facts in enumerate(found):
            if number % PAUSE_EVERY == 0:
                # Thousands at once must not keep heartbeats and grants waiting.
                await asyncio.sleep(0)
            live = self._world.applications.get(facts.id)
            former = live.facts if live else facts
            live = self._world.put_application(facts)
            hosts |= {host_id for host_id in (former.host_id, facts.host_id) if host_id}
            for pair_id in {former.primary_id or former.id, live.pair_id}:
                self._solution.pairs.wake(pair_id)
            if former.host_id != facts.host_id:
                live.process = None
            self._solution.watch_by_hand(live)
            self._solution.refresh(live)
        await self._configure([live for facts in found if (live := self._world.applications[facts.id]).connection])
        return hosts

    def _dropped(self, live: LiveApplication | None) -> set[int]:
        if live is None:
            return set()
        self._solution.writer.forget(live.facts.id)
        if live.connection is not None:
            live.connection.peer.cut(f"application {live.facts.name} was deleted")
        return {live.facts.host_id} if live.facts.host_id else set()

    async def _configure(self, connected: list[LiveApplication]) -> None:
        for number, live in enumerate(connected):
            if number % PAUSE_EVERY == 0:
                # Thousands at once must not keep heartbeats and grants waiting.
                await asyncio.sleep(0)
            peer = await self._directory.applications.get(live.facts.name)
            if peer is not None:
                self._solution.configurations.configure(live, peer.configuration)

    async def _supervise(self, host_ids: set[int]) -> None:
        await self._directory.supervised.follow(host_ids)
        for host_id in host_ids:
            host = self._world.hosts.get(host_id)
            if host is not None and host.peer is not None:
                supervised = await self._directory.supervised.get(host_id)
                self._solution.configurations.supervise(host, supervised)
