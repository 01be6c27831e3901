"""The reader of log records with a database and servers: it follows whoever serves, and each record is there once."""

import asyncio
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connections
from django.utils import timezone

from provisioning.core import ages, signals
from provisioning.logbook.models import Followed, Record
from provisioning.logs.selectors.reader import reader_health, reader_seen
from provisioning.logs.services.setting import choose
from provisioning.logs.worker import kept, reader
from provisioning.logs.worker.source import Source
from provisioning.models import ComponentHeartbeat
from tests import factories

from .double import ServerDouble, Stored, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_control", "no_broker")]


@pytest.fixture
def chosen(monkeypatch):
    """``chosen(*servers)``: these are the members of the pair that is chosen; none for none."""
    now = []
    monkeypatch.setattr(reader, "sources", lambda login: (list(now), ""))
    for name in ("LOOK_S", "TELL_S", "BEAT_S"):
        monkeypatch.setattr(reader, name, 0.05)

    def use(*servers, application_id=1, beside=False):
        """``beside`` those that were chosen before."""
        if not beside:
            now.clear()
        if servers:
            now.append(Source(application_id, "x", servers[0].name, tuple(each.target() for each in servers)))
    return use


@pytest.fixture
def servers():
    with ServerDouble("MS_Primary") as primary, ServerDouble("MS_Backup") as backup:
        backup.refuses = "This server is the backup now."
        yield primary, backup


def seqs():
    return list(Record.objects.order_by("id").values_list("seq", flat=True))


async def until(condition, what):
    async with asyncio.timeout(15):
        while not await asyncio.to_thread(_asked, condition):
            await asyncio.sleep(0.02)


def _asked(condition):
    try:
        return condition()
    finally:
        connections.close_all()


@contextmanager
def _running(task):
    yield
    if task.done():
        task.result()


async def run(*steps, before=lambda: None):
    """Run a reader while each of ``steps`` (what is done, what then has to become so) is gone through."""
    task = asyncio.create_task(reader.Reader().run())
    try:
        for act, becomes in steps:
            act()
            with _running(task):
                await until(becomes, becomes)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def nothing():
    pass


def test_each_record_is_there_once_through_a_failover(chosen, servers):
    primary, backup = servers
    chosen(primary, backup)
    primary.log = [Stored(seq) for seq in range(1, 301)]

    def failover():
        backup.log = [*primary.log, *(Stored(seq, epoch=2) for seq in range(301, 401))]
        primary.refuses, backup.refuses = "This server is the backup now.", ""
        primary.drop_all()

    asyncio.run(run((nothing, lambda: len(seqs()) == 300), (failover, lambda: len(seqs()) == 400)))
    assert seqs() == list(range(1, 401))
    assert backup.asked_from == [300]


def test_a_reader_that_was_ended_goes_on_where_it_was(chosen, servers):
    primary, _ = servers
    chosen(primary)
    primary.log = [Stored(seq) for seq in range(1, 4)]
    asyncio.run(run((nothing, lambda: len(seqs()) == 3)))
    primary.log += [Stored(4)]
    asyncio.run(run((nothing, lambda: len(seqs()) == 4)))
    assert (seqs(), primary.asked_from) == ([1, 2, 3, 4], [1, 3])


def test_without_a_pair_it_waits_for_one(chosen, servers):
    primary, _ = servers
    primary.log = [Stored(1)]
    asyncio.run(run((nothing, lambda: reader_seen().at is not None),
                    (lambda: chosen(primary), lambda: seqs() == [1])))


def test_another_pair_is_followed_from_its_own_place(chosen, servers):
    primary, backup = servers
    backup.refuses = ""
    primary.log, backup.log = [Stored(1), Stored(2)], [Stored(1)]
    chosen(primary)
    asyncio.run(run((nothing, lambda: len(seqs()) == 2),
                    (lambda: chosen(backup, application_id=2), lambda: len(seqs()) == 3),
                    (chosen, lambda: reader_seen().pair == "")))
    assert dict(Followed.objects.values_list("name", "seq")) == {"MS_Primary": 2, "MS_Backup": 1}


def test_pairs_are_read_beside_each_other_and_one_that_is_away_is_told_of(chosen, servers):
    primary, backup = servers
    primary.log, backup.log = [Stored(1), Stored(2)], [Stored(1)]
    chosen(primary)
    chosen(backup, application_id=2, beside=True)

    def serves():
        backup.refuses = ""

    asyncio.run(run((nothing, lambda: len(seqs()) == 2 and reader_seen().pair == "MS_Backup"),
                    (serves, lambda: len(seqs()) == 3 and reader_seen().member == "MS_Primary, MS_Backup")))
    assert dict(Followed.objects.values_list("name", "seq")) == {"MS_Primary": 2, "MS_Backup": 1}


def test_only_the_pair_that_is_chosen_tells_what_people_did(pair, chosen, servers):
    """Any other one has it from nobody but itself."""
    choose(actor=factories.ADMINISTRATOR, application_id=pair[0].pk)
    primary, backup = servers
    backup.refuses = ""
    for server in servers:
        server.log = [Stored(1, record(1, category="audit"))]
    chosen(primary, application_id=pair[0].pk)
    chosen(backup, application_id=pair[0].pk + 1, beside=True)
    asyncio.run(run((nothing, lambda: len(seqs()) == 2)))
    assert dict(Record.objects.values_list("pair__name", "category")) == {
        "MS_Primary": "audit", "MS_Backup": "application"}


def test_a_log_of_which_messages_were_given_up_is_read_again_and_nothing_is_there_twice(chosen, servers):
    primary, _ = servers
    chosen(primary)
    primary.log = [Stored(seq) for seq in range(1, 6)]
    asyncio.run(run((nothing, lambda: len(seqs()) == 5)))
    primary.log = [*primary.log[:3], Stored(4, epoch=2), Stored(5, epoch=2)]
    asyncio.run(run((nothing, lambda: len(seqs()) == 7)))
    assert sorted(Record.objects.values_list("epoch", "seq")) == [
        (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 4), (2, 5)]


def test_while_the_log_database_takes_nothing_it_says_so_and_nothing_is_lost(chosen, servers, monkeypatch):
    primary, _ = servers
    chosen(primary)
    primary.log = [Stored(1), Stored(2)]
    keep, broken = kept.keep, [True]

    def trouble(*args, **options):
        if broken[0]:
            raise DatabaseError("database or disk is full")
        return keep(*args, **options)

    monkeypatch.setattr(kept, "keep", trouble)
    asyncio.run(run((nothing, lambda: "takes no records" in reader_seen().trouble),
                    (lambda: broken.__setitem__(0, False), lambda: seqs() == [1, 2])))


def test_of_a_storm_so_much_is_kept_and_the_rest_is_counted(chosen, servers, settings):
    settings.PAIRWISE_LOG_RATE = 1
    primary, _ = servers
    chosen(primary)
    primary.log = [Stored(seq) for seq in range(1, 101)]

    def counted():
        return Record.objects.filter(event=20123).values_list("seq", "text").first()

    asyncio.run(run((nothing, lambda: (found := counted()) and found[1].startswith("From here on 40 log records"))))
    assert (counted()[0], len(seqs()), Followed.objects.get().seq) == (61, 61, 100)


def test_what_is_left_out_of_one_pair_is_not_counted_in_another(chosen, servers, settings):
    settings.PAIRWISE_LOG_RATE = 1
    primary, backup = servers
    backup.refuses = ""
    primary.log = [Stored(seq) for seq in range(1, 71)]
    backup.log = [Stored(seq) for seq in range(1, 81)]
    chosen(primary)

    def counted():
        return {each.pair_id: (each.seq, each.text.split()[3]) for each in Record.objects.filter(event=20123)}

    asyncio.run(run((nothing, lambda: list(counted().values()) == [(61, "10")]),
                    (lambda: chosen(backup, application_id=2),
                     lambda: list(counted().values()) == [(61, "10"), (61, "20")])))


def test_pages_are_told_of_new_records(chosen, servers, monkeypatch):
    primary, _ = servers
    chosen(primary)
    told = []
    monkeypatch.setattr(signals, "announce", lambda *topics: told.append(topics))
    primary.log = [Stored(1)]
    asyncio.run(run((nothing, lambda: bool(told))))
    assert set(told) == {("log",)}


def test_it_says_who_serves_it_and_who_does_not(chosen, servers):
    primary, backup = servers
    chosen(primary, backup)
    asyncio.run(run((nothing, lambda: (reader_seen().pair, reader_seen().member) == ("MS_Primary", "MS_Primary")),
                    (lambda: (setattr(primary, "refuses", "Stopped."), primary.drop_all()),
                     lambda: "does not serve the reader" in reader_seen().trouble)))


def test_one_that_ran_is_missed_whether_or_not_a_pair_is_chosen():
    ComponentHeartbeat.objects.create(name="log-reader", at=timezone.now() - ages.CONSOLE_PART * 2)
    assert reader_health().status == "down"


def test_only_who_has_a_pair_misses_one_that_never_ran(pair):
    assert reader_health() is None
    choose(actor=factories.ADMINISTRATOR, application_id=pair[0].pk)
    found = reader_health()
    assert (found.status, found.reason) == ("down", "The log reader has never reported. Start it (./run starts it).")
