"""What the agent tells control, and how often it tells all of it."""

import asyncio
from types import SimpleNamespace

import pytest

from hostagent import control_link
from hostagent.config import load
from hostagent.control_link import ControlLink
from protocol.messages import HostFacts, Processes

from .doubles import write_config

SOON_S = 0.01


class Heard:
    """A connection that keeps what is sent, until there are ``enough``. ``report_s`` as in Welcome: 0 from a control
    that does not know a report without the list."""

    def __init__(self, report_s: float, enough: int = 3):
        self.report_s, self._enough = report_s, enough
        self.messages: list = []
        self.over = asyncio.Event()

    async def send(self, message) -> None:
        self.messages.append(message)
        if len(self.messages) >= self._enough:
            self.over.set()


@pytest.fixture
def link(tmp_path, monkeypatch) -> ControlLink:
    monkeypatch.setattr(control_link, "FACTS_EVERY_S", SOON_S)
    path = write_config(tmp_path)
    (tmp_path / "state").mkdir()
    change = SimpleNamespace(to_dict=lambda: {"type": "process_changed", "application": "A", "state": "running"})
    return ControlLink(load(path, {}), report=lambda: [change], worker_runs=lambda: True, surroundings=dict,
                       on_message=lambda message: None, on_connected=lambda: None)


async def kinds_of(link: ControlLink, channel: Heard) -> list[type]:
    sending = asyncio.create_task(link._send(channel))
    async with asyncio.timeout(10):
        await channel.over.wait()
    sending.cancel()
    return [type(message) for message in channel.messages[:3]]


async def test_between_whole_lists_it_tells_only_how_the_host_is(link):
    assert await kinds_of(link, Heard(report_s=SOON_S)) == [Processes, HostFacts, HostFacts]


async def test_the_whole_list_comes_again_after_a_while(link, monkeypatch):
    monkeypatch.setattr(control_link, "WHOLE_EVERY_S", 0.0)
    assert await kinds_of(link, Heard(report_s=SOON_S)) == [Processes] * 3


async def test_a_former_control_hears_the_whole_list_each_time(link):
    assert await kinds_of(link, Heard(report_s=0.0)) == [Processes] * 3


class Slow(Heard):
    """Takes a change until the time for the next report is over, while ``then`` happens."""

    def __init__(self, then):
        super().__init__(report_s=SOON_S, enough=4)
        self._then = then

    async def send(self, message) -> None:
        await super().send(message)
        if message == "first":
            self._then()
            await asyncio.sleep(60)


async def test_a_change_in_the_moment_in_which_a_report_is_due_waits_for_nothing(link):
    channel = Slow(lambda: link.tell("second"))
    link.connected = True
    sending = asyncio.create_task(link._send(channel))
    await asyncio.sleep(0)
    link.tell("first")
    async with asyncio.timeout(10):
        await channel.over.wait()
    sending.cancel()
    assert [message if isinstance(message, str) else type(message) for message in channel.messages[:4]] == [
        Processes, "first", "second", HostFacts]
