"""Solution Control: takes what servers and agents say and turns it into status rows, events, grants and commands."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from protocol import collector
from protocol.events import level_of
from protocol.log_queue import ONCE
from protocol.messages import ApplicationStatus, ProcessChanged, Watch
from protocol.opening_messages import Hello
from protocol.server_messages import Event, Progress, Report
from protocol.wire import WireError
from provisioning.states import ApplicationStatus as Status
from provisioning.states import Mode

from . import checks, clocks, copies, narration, objects
from .configurations import Configurations
from .database import Database
from .facts import Decided, EventRow, PairCopy, StatusRow
from .ledger import Ledger
from .live import LiveApplication, LiveHost, ServerConnection, World
from .outages import Outages
from .pairs import Outcome, Pairs
from .peers import Peer
from .requests import Requests
from .snapshot import State, Timing
from .stability import Pauses
from .status import ENDED, RUNNING, Seen, Verdict, remembered, verdict
from .timelines import Timelines
from .witnesses import Witnesses
from .writer import Writer

log = logging.getLogger(__name__)

SETTLE_S = 5.0
"""After control's own start nothing is called Unknown for so long: peers are still coming back."""
RETURN_S = 2.0
"""For so long after control's start a server that ran before may take its object back from a newcomer."""
GONE = frozenset({Status.STOPPED, Status.GAVE_UP, Status.START_PENDING})


class SolutionControl:
    """All live knowledge and what follows from it. Every method runs in the event loop."""

    def __init__(self, ledger: Ledger, writer: Writer, *, timing: Timing, settle_s: float = SETTLE_S,
                 leads: Callable[[], bool] = lambda: True):
        self.world, self.ledger, self.writer = World(), ledger, writer
        self.configurations = Configurations()
        self.pauses, self.timelines = Pauses(), Timelines(self.world, self.writer, self.refresh)
        self.pairs = Pairs(self.world, ledger, timing=timing, observing=self._is_observing, leads=leads,
                           on_recorded=self._recorded, on_decided=self._decided)
        self.witnesses = Witnesses(self.world, ledger, self.pairs, writer)
        self.requests = Requests(self.world, self.pairs, self.timelines.tell, self.writer.written)
        self.outages = Outages(self.world, self.timelines.tell, detection_s=timing.detection_s)
        self.started_at, self.settled = time.monotonic(), False
        self._settle_s, self._closed = settle_s, False

    async def load(self, database: Database) -> None:
        """Read the objects and the last known rows of the Configuration Database; call it once, before anybody
        connects. Raises DatabaseAway."""
        for host in await database.run(objects.hosts):
            self.world.put_host(host)
        for facts in await database.run(objects.applications):
            self.world.put_application(facts)
        # Nobody is connected yet: that is the first thing that the writer writes.
        statuses = [replace(row, connected=False) for row in await database.run(copies.status_rows)]
        hosts = [replace(row, connected=False) for row in await database.run(copies.host_rows)]
        pairs = await database.run(copies.pair_rows)
        self.writer.known(statuses, hosts, pairs)
        for pair in pairs:
            if pair.disputed and pair.primary_id in self.world.applications and self.ledger.is_doubted(
                    pair.primary_id):
                # Until it is looked at again pages must not say that it is over.
                self.world.applications[pair.primary_id].dispute = pair.reason
        for row in statuses:
            if row.application_id in self.world.applications:
                live = self.world.applications[row.application_id]
                live.row, live.heard_at = row, row.heard_at
                live.verdict = remembered(row.status, row.mode, row.reason, row.pid, row.by_hand)
        for known in hosts:
            if known.host_id in self.world.hosts:
                narration.remember_host(self.world.hosts[known.host_id], known)
        self.outages.begin()
        for live in self.world.applications.values():
            if live.facts.primary_id is None:
                self._recorded(live.facts.id)

    def close(self) -> None:
        """Nothing is looked at, decided or written any more."""
        self._closed = True
        self.outages.close()

    async def settle(self) -> None:
        """After the startup grace: who has not come back by now is looked at as it is."""
        await asyncio.sleep(self._settle_s)
        self.settled = True
        collector.spare()
        self.pairs.wake_doubted()
        for number, live in enumerate(list(self.world.applications.values())):
            if number % 100 == 0:
                await asyncio.sleep(0)
            self.refresh(live)
        for host in self.world.hosts.values():
            if host.peer is None and host.status not in ("", "Disconnected"):
                self.put_host(host, "Disconnected", "Its agent has not connected since control was started.")

    def _is_observing(self) -> bool:
        """True while silence proves nothing: control has just started, or was itself held up."""
        return not self.settled or self.pauses.recent

    def _recorded(self, pair_id: int) -> None:
        """The record of a pair, or whether it is disputed, may be another one: pages get a copy."""
        row, live = self.ledger.row(pair_id), self.world.applications.get(pair_id)
        if live is None or not (row.version or live.dispute):
            return
        for member in self.world.members(pair_id):
            if member.connection is None and member.verdict.mode == Mode.PRIMARY and self._is_replaced(member):
                self.refresh(member)
        copy = PairCopy(**{f.name: getattr(row, f.name) for f in fields(Decided)}, primary_id=pair_id)
        self.writer.put_pair(replace(
            copy, disputed=bool(live.dispute), reason=live.dispute or row.reason,
            standby_in_sync=row.standby_in_sync and not live.dispute,
            active_id=row.active_id if row.active_id in self.world.applications else None))

    def _decided(self, outcome: Outcome) -> None:
        primary, decision = outcome.members[0], outcome.decision
        dispute = decision.reason if decision.state == State.DISPUTED else ""
        if dispute != primary.dispute:
            primary.dispute = dispute
            self._recorded(primary.pair_id)
        self.timelines.decided(outcome)
        self.requests.decided(outcome.members[0].pair_id)

    # --- status ---------------------------------------------------------------------------------------

    def _is_replaced(self, live: LiveApplication) -> bool:
        """The record names the other member of its pair as active."""
        return self.ledger.row(live.pair_id).active_id not in (None, live.facts.id)

    def refresh(self, live: LiveApplication) -> None:
        """Look at one application again, and write and tell what is new."""
        if live.recheck is not None:
            live.recheck.cancel()
            live.recheck = None
        if self._closed or self.world.applications.get(live.facts.id) is not live:
            return
        found = verdict(self._seen(live))
        if found.recheck_in_s is not None:
            loop = asyncio.get_running_loop()
            live.recheck = loop.call_later(max(0.0, found.recheck_in_s) + 0.02, self.refresh, live)
        before, live.verdict = live.verdict, replace(found, recheck_in_s=None)
        if live.verdict.status in GONE:
            live.lost_at = None
        host = self.world.host_of(live)
        if live.is_only_kept or (live.row is None and live.connection is None and not (host and host.peer)):
            return
        row = self._row(live, before)
        # That a server nobody ever started is stopped is no news.
        is_news = row.status != Status.STOPPED if live.row is None else (
            (before.status, before.mode) != (row.status, row.mode))
        if is_news:
            self.writer.put_event(narration.status_event(live, before if live.row else None))
        told = (row.status, row.mode, row.reason, row.epoch, row.pid)
        if host and host.peer and (live.row is None or told != (
                live.row.status, live.row.mode, live.row.reason, live.row.epoch, live.row.pid)):
            host.post(self.status_message(row, live))
        live.row = row
        self.writer.put_status(row)
        self.outages.look(live.pair_id)

    def status_message(self, row: StatusRow, live: LiveApplication) -> ApplicationStatus:
        primary = self.world.applications.get(live.pair_id)
        return ApplicationStatus(application=live.facts.name, status=row.status, mode=row.mode, reason=row.reason,
                                 epoch=row.epoch, pid=row.pid, disputed=bool(primary and primary.dispute))

    def _seen(self, live: LiveApplication) -> Seen:
        host, now = self.world.host_of(live), time.monotonic()
        connection = live.connection
        return Seen(
            installed=live.facts.installed, enabled=live.facts.enabled, host=live.facts.host_name,
            managed=host is None or host.facts.managed, agent_connected=host is not None and host.peer is not None,
            agent_listed=host is not None and host.listed, process=live.process, connected=connection is not None,
            server_pid=live.last_hello.pid if live.last_hello else 0,
            report=connection.report if connection else live.last_report,
            lost_s=None if connection or live.lost_at is None else now - live.lost_at, unseen=live.unseen,
            running_s=now - live.process_at, startup_timeout_s=live.facts.startup_timeout,
            role_reason=live.role_reason, settled=self.settled, replaced=self._is_replaced(live),
            previous=live.verdict)

    def _row(self, live: LiveApplication, before: Verdict) -> StatusRow:
        now, found, old = datetime.now(UTC), live.verdict, live.row
        connection = live.connection
        report = connection.report if connection is not None else None
        row = StatusRow(
            application_id=live.facts.id, status=found.status, mode=found.mode, pid=found.pid, by_hand=found.by_hand,
            reason=checks.clean(found.reason, checks.REASON_MAX), epoch=old.epoch if old else 0,
            account=_account(live, found.pid), restarts=live.process.restarts if live.process else 0,
            version=old.version if old else "",
            last_seq=old.last_seq if old else 0, digest=old.digest if old else "",
            common_seq=old.common_seq if old else 0, common_digest=old.common_digest if old else "",
            discarded=old.discarded if old else 0, copy=old.copy if old else "",
            first_seq=old.first_seq if old else 0, first_digest=old.first_digest if old else "",
            clock_offset_s=old.clock_offset_s if old else None,
            connected=live.connection is not None, heard_at=now if live.connection else live.heard_at,
            changed_at=old.changed_at if old else None,
            started_at=narration.started_at(found, before, old, now),
            served_until=narration.served_until(found, old, now))
        if connection is not None and report is not None:
            row = replace(row, **_counters(connection, report), ports=checks.ports_of(report), link=report.link,
                          link_reason=checks.clean(report.link_reason, checks.REASON_MAX), discarded=report.discarded,
                          copy=checks.clean(report.copy, 32), epoch=report.epoch if report.role else row.epoch,
                          version=checks.clean(connection.hello.version, 32))
        if old is None or old.announced != row.announced:
            row = replace(row, changed_at=now)
        return row

    # --- servers --------------------------------------------------------------------------------------

    async def wait_for_former(self, live: LiveApplication, hello: Hello) -> None:
        """Right after control's start: leave a server that ran before the time to take its object back."""
        former = live.verdict
        while (left := RETURN_S - (time.monotonic() - self.started_at)) > 0:
            if (live.last_hello or former.pid in (0, hello.pid) or former.status in GONE
                    or (live.process and live.process.pid == hello.pid)):
                return
            await asyncio.sleep(min(left, 0.1))

    def claim(self, live: LiveApplication, hello: Hello, peer: Peer, address: str) -> ServerConnection | str:
        """Register the server that said ``hello``; a sentence when another one holds the object."""
        held = live.connection
        if held is not None:
            same = hello.pid and (held.process, held.hello.host) == ((hello.pid, hello.started), hello.host)
            if not same:
                host = checks.clean(held.hello.host, 255) or live.facts.host_name or "?"
                return (f'Application "{live.facts.name}" is already running (pid {held.hello.pid} on host {host}): '
                        "stop that server first.")
            held.peer.cut("replaced by a newer connection of the same process")
        connection = ServerConnection(peer, hello, time.monotonic(), address)
        live.connection, live.last_hello, live.last_report, live.address = connection, hello, None, address
        live.lost_at, live.silent_since, live.unseen, live.role_reason = None, None, False, ""
        return connection

    def registered(self, live: LiveApplication) -> None:
        """The opening is done and the configuration is on its way."""
        self.watch_by_hand(live)
        self.refresh(live)
        self.pairs.wake(live.pair_id)

    def reported(self, live: LiveApplication, connection: ServerConnection, report: Report) -> None:
        checks.check_report(report)
        before, connection.report = connection.report, report
        live.last_report = report
        if report.state != "service_unavailable":
            connection.trouble_since = None
        elif connection.trouble_since is None:
            connection.trouble_since = time.monotonic() - report.trouble_s
        self._look_at_clock(live, report)
        if before is None or _role_facts(before) != _role_facts(report):
            self.pairs.wake(live.pair_id)
        self.requests.decided(live.pair_id)
        self.refresh(live)

    def progressed(self, live: LiveApplication, connection: ServerConnection, progress: Progress) -> None:
        """Counters have moved, and nothing else: no status and no role depends on them."""
        if connection.report is None:
            raise WireError("the peer told progress before its first report")
        counters = {f.name: getattr(progress, f.name) for f in fields(progress)}
        report = connection.report = live.last_report = replace(connection.report, **counters)
        checks.check_report(report)
        self._look_at_clock(live, report)
        if live.row is not None:
            live.row = replace(live.row, heard_at=datetime.now(UTC), **_counters(connection, report))
            self.writer.put_progress(live.row)

    def _look_at_clock(self, live: LiveApplication, report: Report) -> None:
        event = clocks.look_at_clock(live, report.clock, time.time())
        if event is not None:
            self.writer.put_event(event)

    def server_event(self, live: LiveApplication, event: Event) -> None:
        number = event.number if 0 <= event.number <= 999_999 else 0
        self.writer.put_event(EventRow(
            at=checks.event_time(event.at), number=number, level=level_of(number, checks.event_level(event)),
            application_id=live.facts.id, source="server", text=checks.clean(event.text, checks.EVENT_TEXT_MAX),
            once=event.once if ONCE.fullmatch(event.once) else ""))

    def server_lost(self, live: LiveApplication, connection: ServerConnection) -> None:
        """Its connection ended, for whatever reason. Of a replaced connection nothing follows."""
        if live.connection is not connection:
            return
        live.connection, live.lost_at, live.unseen = None, time.monotonic(), False
        live.silent_since, live.heard_at = connection.peer.heard_at, connection.peer.heard
        log.info("server %s (pid %d) is not connected any more: %s", live.facts.name, connection.hello.pid,
                 connection.peer.cut_reason or "the connection ended")
        self.refresh(live)
        self.pairs.wake(live.pair_id)

    def watch_by_hand(self, live: LiveApplication) -> None:
        """Ask the agent to watch a registered server that it did not start."""
        connection, host = live.connection, self.world.host_of(live)
        if connection is None or connection.watched or host is None or not host.listed or not connection.hello.pid:
            return
        if live.process is not None and live.process.pid == connection.hello.pid:
            return
        connection.watched = True
        host.post(Watch(application=live.facts.name, pid=connection.hello.pid, started=connection.hello.started))

    # --- processes, as agents attest them ---------------------------------------------------------------

    def process_changed(self, host: LiveHost, change: ProcessChanged) -> None:
        live = self.world.application(change.application)
        if live is None or live.facts.host_id != host.facts.id:
            if told := narration.foreign_events(host, change.application):
                log.warning("the agent of %s spoke of %r, which is not an application of its host", host.facts.name,
                            change.application[:80])
                self.writer_events(told)
            return
        before = live.process
        if before == change:
            return
        live.process, live.heard_at = change, datetime.now(UTC)
        if before is None or (before.pid, before.started) != (change.pid, change.started):
            live.process_at = time.monotonic()
        self.writer_events(narration.process_events(live, before, host.listed))
        live.ended_at = time.monotonic() if change.state in ENDED else live.ended_at
        connection = live.connection
        if connection is not None and _attests_end(connection.hello.pid, before, change):
            connection.peer.cut("its agent attests that the process has ended")
            self.server_lost(live, connection)
        self.watch_by_hand(live)
        self.refresh(live)
        self.pairs.wake(live.pair_id)

    def process_unnamed(self, live: LiveApplication) -> None:
        """The agent's whole list does not name this application."""
        live.process = None
        host = self.world.host_of(live)
        live.unseen = live.lost_at is not None and host is not None and live.address == host.address
        self.watch_by_hand(live)
        self.refresh(live)

    # --- the rest ---------------------------------------------------------------------------------------

    def writer_events(self, events: list[EventRow]) -> None:
        for event in events:
            self.writer.put_event(event)

    def put_host(self, host: LiveHost, status: str, reason: str) -> None:
        """Write the host's row; an event when its status changed."""
        changed = host.status != status
        host.status, host.reason = status, reason
        if changed:
            host.changed_at = datetime.now(UTC)
            self.writer.put_event(narration.host_event(host))
        self.writer.put_host(narration.host_row(host))


def _counters(connection: ServerConnection, report: Report) -> dict[str, Any]:
    """The COUNTERS of a row."""
    return {"last_seq": report.last_seq, "digest": checks.clean(report.digest, 64), "clients": report.clients,
            "common_seq": report.common_seq, "common_digest": checks.clean(report.common_digest, 64),
            "first_seq": report.first_seq, "first_digest": checks.clean(report.first_digest, 64),
            "clock_offset_s": connection.clock_offset_s, "acknowledged": report.acknowledged,
            "delivered": report.delivered, "latencies": checks.latencies_of(report),
            "waiting_bytes": report.waiting_bytes, "disk_free": report.disk_free, "disk_total": report.disk_total}


def _role_facts(report: Report) -> tuple[object, ...]:
    return (report.state, report.role, report.epoch, report.record_version, report.reason, report.copy, report.link,
            report.standby, report.standby_version, report.standby_copy)


def _account(live: LiveApplication, pid: int) -> str:
    """The account that the server runs as, as its agent says; what was last said of this process, when it is away."""
    if live.process is not None and live.process.pid == pid:
        return checks.clean(live.process.account, 64)
    return live.row.account if live.row is not None and pid and live.row.pid == pid else ""


def _attests_end(pid: int, before: ProcessChanged | None, change: ProcessChanged) -> bool:
    """The agent says that the process ``pid`` is no more: it ended, or another one took its place."""
    if not pid:
        return False
    was_it = before is not None and before.pid == pid and before.state in RUNNING
    if change.state in ENDED:
        return change.pid == pid or (change.pid == 0 and was_it)
    return was_it and change.pid not in (0, pid)
