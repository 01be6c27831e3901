"""Reads what hosts report, in a thread of the console worker: signed reports only, each host in its turn."""

import logging
import os
import threading
import time
from collections.abc import Callable

import redis
from celery import current_app as app
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from provisioning.broker.worker.guard import Guard
from provisioning.core import refusals
from provisioning.core.database_trouble import may_pass
from provisioning.core.kept_connections import piece_of_work
from provisioning.jobs.rules.report_messages import NoReport, in_turn
from provisioning.models import ComponentHeartbeat, Host

from . import reports
from .report_queues import Queues, RabbitQueues, RedisQueues

log = logging.getLogger(__name__)
BEAT = "report-reader"
IDLE_S, TROUBLE_S, HOSTS_S, LOOK_S = 0.1, 1.0, 2.0, 1.0
"""Between two looks that found nothing, where the broker does not tell when something came; after one that failed; how
old the list of hosts may be; how long one look may take: what is left then waits for the next."""
ENDS_S = 1.0
"""So long it waits on when it is to end."""
HOSTS_A_SECOND = 20_000
"""Looking for what waits of so many hosts costs Redis a few hundredths of a second."""
ANSWER_S = 5.0


def make_queues() -> Queues:
    """At the broker that the settings name."""
    if settings.PAIRWISE_BROKER_URL:
        return RabbitQueues(app.connection_for_read)
    return RedisQueues(redis.Redis.from_url(settings.PAIRWISE_REDIS_URL, socket_timeout=ANSWER_S,
                                            socket_connect_timeout=ANSWER_S))


class Reader:
    def __init__(self, queues: Queues | None = None, *, clock: Callable[[], float] = time.monotonic):
        self._queues, self._clock, self._guard = queues, clock, Guard(clock=clock)
        self._hosts: list[str] = []
        self._listed_at: float | None = None
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="reports", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with piece_of_work():
                    found = self.look()
                if not found:
                    self._wait()
            except Exception as error:
                # Whatever it was: without this thread no host would be heard.
                log.warning("Reports of hosts wait: %s", error, exc_info=not isinstance(error, _EXPECTED))
                self._close()
                self._ended.wait(TROUBLE_S)
        self._close()

    def _wait(self) -> None:
        """Until something came, or the hosts are to be listed anew."""
        # However often something comes: of so many hosts it is not looked more often.
        self._ended.wait(len(self._hosts) / HOSTS_A_SECOND)
        while not self._ended.is_set() and not self._are_old() and self._queues is not None:
            told = self._queues.told(ENDS_S)
            if told is None:
                self._ended.wait(IDLE_S)
            if told is not False:
                return

    def _close(self) -> None:
        self._guard.close()
        connections.close_all()
        queues, self._queues = self._queues, None
        if queues is not None:
            queues.close()

    def look(self) -> bool:
        """Record what waits, for LOOK_S; False when nothing did. Raises what database and broker raise: then what was
        not recorded still waits."""
        self._queues = queues = self._queues or make_queues()
        self._list_hosts(queues)
        self._keep_room()
        waiting = queues.take(self._hosts) if self._hosts else {}
        if not waiting:
            return False
        try:
            self._record(queues, waiting)
        finally:
            queues.give_back()
        return True

    def _keep_room(self) -> None:
        for each in self._guard.look(self._hosts):
            row = Host.objects.filter(name=each.host).first()
            if refusals.record(host=row, kind=each.kind, text=each.text):
                log.warning("%s", each.text)

    def _record(self, queues: Queues, waiting: dict) -> None:
        until = self._clock() + LOOK_S
        for host, taken in waiting.items():
            if taken.lost:
                _refuse(host, f"{taken.lost} reports were too many or too large, and were dropped.")
        for host, message in in_turn({host: taken.messages for host, taken in waiting.items()}):
            accept(host, message)
            queues.done(host)
            if self._clock() >= until:
                return

    def _are_old(self) -> bool:
        return self._listed_at is None or self._clock() - self._listed_at >= HOSTS_S

    def _list_hosts(self, queues: Queues) -> None:
        """Who comes first changes with each look: where not all that waits is taken at once, nobody is always last."""
        if self._are_old():
            names = list(Host.objects.order_by("pk").values_list("name", flat=True))
            for gone in set(self._hosts) - set(names):
                queues.forget(gone)
            self._hosts, self._listed_at = names, self._clock()
            ComponentHeartbeat.show(BEAT, pid=os.getpid())
        self._hosts = [*self._hosts[1:], *self._hosts[:1]]


_EXPECTED = (DatabaseError, redis.RedisError, OSError)


def accept(host: str, message: Callable[[], tuple[dict, str]]) -> None:
    """Record the report that ``message`` of ``host`` holds, or that it was refused. Raises what may pass."""
    try:
        report, signature = message()
        if report.get("host") != host:
            raise NoReport(f"It is said to be of host {str(report.get('host'))[:100]!r}.")
        reports.record_report(report, signature)
    except (NoReport, reports.ReportRefused) as refused:
        _refuse(host, f"A report was refused: {refused}")
    except Exception as error:
        if may_pass(error):
            raise
        _refuse(host, f"A report was dropped: it led to the error {type(error).__name__}.", with_traceback=True)


def _refuse(host: str, text: str, *, with_traceback: bool = False) -> None:
    row = Host.objects.filter(name=host).first()
    if refusals.record(host=row, kind="report", text=text):
        log.warning("host %s: %s", host, text, exc_info=with_traceback)


reader = Reader()
