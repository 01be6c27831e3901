"""A pair that nobody serves any more is told of once that has lasted, unless it was stopped as asked."""

import asyncio
from types import SimpleNamespace

import pytest

from control.outages import Outages
from control.status import Verdict
from protocol.events import Own
from protocol.messages import ProcessChanged
from provisioning.states import ApplicationStatus as Status
from provisioning.states import Mode

PRIMARY, STOPPED = Verdict(Status.STARTED, Mode.PRIMARY), Verdict(Status.STOPPED)
BACKUP, ENDING = Verdict(Status.STARTED, Mode.BACKUP), Verdict(Status.STOP_PENDING, Mode.EXITING)
PLANNED = ProcessChanged(application="A", state="exited", planned=True)


class Pair:
    """Two members as control sees them; ``told`` of them."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr("control.outages.SETTLES_S", 0.0)
        self.members = [SimpleNamespace(
            facts=SimpleNamespace(id=key, name=name), pair_id=1, verdict=STOPPED, process=None, row=None)
            for key, name in ((1, "A"), (2, "B"))]
        self.told: list[tuple[int, str]] = []
        world = SimpleNamespace(members=lambda pair_id: self.members,
                                applications={live.facts.id: live for live in self.members})
        self.outages = Outages(world, lambda members, event, text: self.told.append((event, text)), detection_s=0.01)

    def say(self, a: Verdict | None = None, b: Verdict | None = None, process: ProcessChanged | None = None) -> None:
        first, second = self.members[0], self.members[-1]
        if b is not None:
            second.verdict = b
        if a is not None:
            first.verdict = a
        first.process = process or first.process
        self.outages.look(1)

    async def lasted(self) -> list[int]:
        await asyncio.sleep(0.05)
        return [event for event, _ in self.told]


@pytest.fixture
async def pair(monkeypatch):
    made = Pair(monkeypatch)
    yield made
    made.outages.close()


async def test_a_pair_whose_last_member_ended_unexpectedly_is_told_of_once_and_so_is_its_end(pair):
    pair.say(a=PRIMARY)
    pair.say(a=STOPPED)
    assert await pair.lasted() == [Own.NOBODY_SERVES]
    assert pair.told[0][1] == "Nobody of A and B serves any more: A is Stopped, B is Stopped."
    pair.say(b=BACKUP)
    assert await pair.lasted() == [Own.NOBODY_SERVES]
    pair.say(b=PRIMARY)
    pair.say(b=PRIMARY)
    assert await pair.lasted() == [Own.NOBODY_SERVES, Own.SERVES_AGAIN]
    assert pair.told[1][1].startswith("B serves after 0.")


async def test_a_failover_is_none(pair):
    pair.say(a=PRIMARY, b=BACKUP)
    pair.say(a=STOPPED)
    pair.say(b=PRIMARY)
    assert await pair.lasted() == []


@pytest.mark.parametrize("ends", [{"a": ENDING}, {"a": STOPPED, "process": PLANNED}])
async def test_one_that_is_stopped_as_asked_is_none_until_somebody_served_again(pair, ends):
    pair.say(a=PRIMARY)
    pair.say(**ends)
    pair.say(a=STOPPED)
    assert await pair.lasted() == []
    pair.say(b=PRIMARY)
    pair.say(b=STOPPED)
    assert await pair.lasted() == [Own.NOBODY_SERVES]


async def test_a_pair_that_never_served_and_a_single_server_are_none(pair):
    pair.say(b=BACKUP)
    del pair.members[1:]
    pair.say(a=PRIMARY)
    pair.say(a=STOPPED)
    assert await pair.lasted() == []


async def test_whoever_served_when_control_began_counts_and_an_outage_of_before_ends(pair):
    pair.members[0].verdict = PRIMARY
    pair.outages.begin()
    pair.say(a=STOPPED)
    assert await pair.lasted() == [Own.NOBODY_SERVES]


async def test_an_outage_that_began_before_control_is_over_when_one_serves(pair):
    pair.members[0].row = SimpleNamespace(served_until="some time")
    pair.outages.begin()
    pair.say(a=PRIMARY)
    assert pair.told == [(Own.SERVES_AGAIN, "A serves.")]
