"""One host, or one server, does not fill the timeline."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from control import copies
from control.event_budget import ALLOWANCES, TELL_AFTER_S, Allowance, EventBudget
from control.facts import EventRow
from control.writer import Writer
from protocol.messages import ProcessChanged
from provisioning.models import Event
from provisioning.models.records import KEPT_APART
from tests.factories import make_host

from .conftest import row_that


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def small_allowance(monkeypatch):
    """Of one server, so that a test need not add thousands."""
    monkeypatch.setitem(ALLOWANCES, ("application", False), Allowance(1 / 5, 300))


@pytest.fixture
def budget(clock):
    """Applications 1 to 99 are on host 1, those from 100 on host 2."""
    return EventBudget(lambda application_id: 1 + (application_id >= 100), clock=clock)


def event(application_id=None, host_id=None, **fields):
    return EventRow(at=datetime.now(UTC), text="It happened.", application_id=application_id, host_id=host_id, **fields)


def taken(budget, count, **row):
    return sum(budget.takes(event(**row)) for _ in range(count))


def test_a_server_that_floods_is_cut_to_its_allowance_and_the_rest_is_counted(budget, clock):
    allowance = ALLOWANCES["application", False]
    assert taken(budget, 5000, application_id=1, source="server", level="alarm") == allowance.burst
    clock.now += 10
    assert taken(budget, 5000, application_id=1, source="agent") == 10 * allowance.rate
    assert not budget.left_out()
    clock.now += TELL_AFTER_S
    [notice] = budget.left_out()
    left_out = 10_000 - allowance.burst - int(10 * allowance.rate)
    assert notice.text == f"{left_out} entries were left out here: more came than the timeline takes of one server."
    assert notice.application_id == 1
    assert not budget.left_out()


def test_the_servers_of_a_host_share_what_the_host_may_add(budget):
    host = ALLOWANCES["host", False].burst
    assert sum(taken(budget, 300, application_id=number, source="agent") for number in range(1, 99)) == host
    assert taken(budget, 300, application_id=100) == 300


def test_all_servers_of_a_host_may_start_at_once(budget):
    assert all(taken(budget, 8, application_id=number) == 8 for number in range(1, 99))


def test_refusals_and_alarms_of_the_console_are_taken_while_others_are_left_out(budget):
    taken(budget, 20_000, application_id=1, source="agent")
    assert taken(budget, 1, application_id=1, source="agent") == 0
    assert taken(budget, 1, application_id=1, source="refused", level="alarm") == 1
    assert taken(budget, 1, application_id=1, level="alarm") == 1
    assert taken(budget, 1, host_id=1, source="refused") == 1


def test_what_is_of_nobody_is_always_taken(budget):
    assert taken(budget, 20_000) == 20_000


async def test_the_writer_leaves_out_what_is_too_much_and_says_so(clock, small_allowance):
    written = []

    class Database:
        async def write(self, function, *batches):
            written.extend(row for batch in batches for row in batch.events)

    writer = Writer(Database(), EventBudget(clock=clock))
    for _ in range(400):
        writer.put_event(event(1, source="agent"))
    await writer.flush()
    clock.now += TELL_AFTER_S
    await writer.flush()
    assert [each.text for each in written[300:]] == [
        "100 entries were left out here: more came than the timeline takes of one server."]


def stored(text, count=1, **fields):
    Event.objects.bulk_create(Event(at=timezone.now(), text=text, **fields) for _ in range(count))


@pytest.mark.django_db(transaction=True)
def test_a_flood_does_not_push_alarms_and_refusals_out(monkeypatch, term):
    monkeypatch.setattr(copies, "EVENTS_KEPT", 10)
    stored("refused", source="refused")
    stored("alarm", level="alarm")
    stored("flood", 50, source="agent")
    stored("false alarm", 50, source="server", level="alarm")
    while copies.prune_events(term=term):
        pass
    assert sorted(Event.objects.values_list("text", flat=True)) == ["alarm", *["false alarm"] * 10, "refused"]


@pytest.mark.django_db(transaction=True)
def test_of_many_refusals_of_one_host_the_oldest_go_and_those_of_others_stay(monkeypatch, term):
    monkeypatch.setattr(copies, "ALARMS_KEPT", 3)
    evil, good = make_host("evil"), make_host("good")
    stored("good", 2, source="refused", host=good)
    for number in range(9):
        stored(f"evil {number}", source="refused", host=evil)
    stored("nobody's", 3, level="alarm")
    while copies.prune_events(term=term):
        pass
    assert sorted(Event.objects.filter(host=evil).values_list("text", flat=True)) == ["evil 6", "evil 7", "evil 8"]
    assert Event.objects.filter(host=good).count() == 2
    assert Event.objects.filter(host=None).count() == 3


@pytest.mark.django_db(transaction=True)
def test_what_strangers_cause_pushes_out_what_strangers_caused(monkeypatch, term):
    monkeypatch.setattr(copies, "ALARMS_KEPT", 3)
    host = make_host("claimed")
    stored("of the host", 2, source="refused", host=host)
    stored("of the console", 2, level="alarm")
    for whose in (host, None):
        stored("flood", 9, source="stranger", host=whose)
    while copies.prune_events(term=term):
        pass
    assert sorted(Event.objects.values_list("text", flat=True)) == [*["flood"] * 6, *["of the console"] * 2,
                                                                    *["of the host"] * 2]


def test_what_strangers_cause_uses_up_no_allowance_of_whom_they_claim_to_be():
    budget = EventBudget(clock=lambda: 0.0)
    most = ALLOWANCES["host", True].burst
    taken(budget, most, host_id=1, source="stranger", level="alarm")
    assert taken(budget, most, host_id=1, source="refused") == most


async def test_an_agent_that_makes_up_starts_and_ends_does_not_fill_the_timeline(small_allowance, control, peers,
                                                                                objects):
    agent = await peers.agent(objects.host)
    for number in range(1, 1001):
        await agent.say(ProcessChanged(application="MS", state="running", pid=number, started=1))
        await agent.say(ProcessChanged(application="MS", state="exited", pid=number, started=1, exit_code=1))
    await agent.say(ProcessChanged(application="MS", state="running", pid=4711, started=1))
    await row_that(objects.server, lambda row: row.pid == 4711)
    allowance = ALLOWANCES["application", False]
    own = Event.objects.filter(application=objects.server).exclude(KEPT_APART)
    assert allowance.burst <= await own.acount() <= allowance.burst + 60 * allowance.rate
