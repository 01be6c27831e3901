"""What the console asks of logs goes to the agent of the host and back, a few at a time, whatever the agent says."""

import asyncio

import pytest

from control import log_reads
from control.live import LOGS_AT_ONCE
from control.log_reads import checked
from protocol.log_messages import LINES_MAX, READS_LOGS, LogRead, ReadLog
from protocol.messages import Ping, Pong
from protocol.wire import WireError
from provisioning.core import control_client
from provisioning.core.control_client import ControlUnavailable, read_log
from provisioning.models import Host

from .conftest import Peers, eventually

PAGE = {"file": "logs/ms.log", "of": "1-2", "begins": 0, "ends": 4, "size": 4, "written": 1.5, "skipped": 0,
        "lines": ["one"], "cut": [], "unfinished": False, "anew": False, "more": False}
FILE = {"name": "logs/ms.log", "path": "/srv/ms/logs/ms.log", "size": 4, "written": 1.5, "kind": "log", "problem": ""}


async def ask(**values) -> LogRead:
    return await asyncio.to_thread(read_log, ReadLog(**{"application": "MS", **values}))


async def agent_of(peers: Peers, host: Host):
    return await peers.agent(host, speaks=READS_LOGS)


async def test_the_agent_is_asked_and_its_answer_comes_back(control, peers, objects):
    agent = await agent_of(peers, objects.host)
    asking = asyncio.create_task(ask(file="logs/ms.log", after=3, of="1-2", lines=7, listing=True))
    asked = await agent.hears(ReadLog)
    assert (asked.application, asked.file, asked.after, asked.of, asked.lines, asked.listing) == (
        "MS", "logs/ms.log", 3, "1-2", 7, True)
    long = "x" * 4000
    page = {**PAGE, "lines": [long] * 50}
    await agent.say(LogRead(id=asked.id, ok=True, page=page, files=[FILE]))
    answer = await asking
    assert (answer.ok, answer.page, answer.files) == (True, page, [FILE])


async def test_why_nothing_can_be_read_is_said_at_once(control, peers, objects):
    assert (await ask()).reason == "The agent of alpha is not connected, so its logs cannot be read."
    assert "knows no application" in (await ask(application="nobody")).reason
    await peers.agent(objects.host, speaks=1)
    await eventually(lambda: control.solution.world.host("alpha").peer, "the agent is not there")
    answer = await ask()
    assert ("older version" in answer.reason, "Update the agent" in answer.advice) == (True, True)


async def test_an_agent_that_says_nothing_keeps_nobody_waiting_for_long(control, peers, objects, monkeypatch):
    monkeypatch.setattr(log_reads, "ANSWER_S", 0.1)
    await agent_of(peers, objects.host)
    assert (await ask()).reason == "The agent of alpha did not answer within 0.1 s."
    assert await asyncio.to_thread(control_client.ping)


async def test_an_agent_is_asked_a_few_things_at_a_time_and_control_goes_on_meanwhile(control, peers, objects):
    agent = await agent_of(peers, objects.host)
    asking = [asyncio.create_task(ask(file=str(number))) for number in range(LOGS_AT_ONCE + 1)]

    def asked() -> list[ReadLog]:
        return [message for message in agent.heard if isinstance(message, ReadLog)]

    await eventually(lambda: len(asked()) == LOGS_AT_ONCE, "it was not asked")
    console = await peers.console()
    await console.say(Ping())
    await console.hears(Pong)
    assert len(asked()) == LOGS_AT_ONCE
    await agent.say(LogRead(id=asked()[0].id, ok=False, reason="Not today."))
    await eventually(lambda: len(asked()) == LOGS_AT_ONCE + 1, "the last one had no turn")
    for message in asked()[1:]:
        await agent.say(LogRead(id=message.id, ok=True, page=PAGE))
    assert sorted(answer.ok for answer in await asyncio.gather(*asking)) == [False, *[True] * LOGS_AT_ONCE]


async def test_an_answer_that_nobody_asked_for_changes_nothing(control, peers, objects, caplog):
    agent = await agent_of(peers, objects.host)
    await agent.say(LogRead(id=4711, ok=True, page=PAGE))
    await eventually(lambda: "nobody asked" in caplog.text, "it was not noticed")
    assert agent.ended == ""


async def test_an_agent_that_says_more_than_it_may_is_cut(control, peers, objects):
    agent = await agent_of(peers, objects.host)
    await agent.say(LogRead(id=1, ok=True, page={**PAGE, "lines": ["x"] * (LINES_MAX + 2)}))
    assert await agent.is_cut()


async def test_control_that_is_away_is_said(objects, settings):
    settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT = "127.0.0.1", 9
    with pytest.raises(ControlUnavailable, match="did not answer"):
        await ask()


@pytest.mark.parametrize("page", [
    {}, {"lines": "x"}, {"lines": [1], "cut": []}, {"lines": ["x" * 5000], "cut": []},
    {**PAGE, "ends": -1}, {**PAGE, "ends": float("inf")}, {**PAGE, "file": 3}, {**PAGE, "of": "x" * 200},
    {**PAGE, "lines": ["é" * 4000] * 100}, {**PAGE, "cut": None}])
def test_lines_that_are_none_are_refused(page):
    with pytest.raises(WireError):
        checked(LogRead(ok=True, page=page))


@pytest.mark.parametrize("files", [[3], [{}], [{**FILE, "name": 3}], [{**FILE, "size": "x"}], [FILE] * 201])
def test_files_that_are_none_are_refused(files):
    with pytest.raises(WireError):
        checked(LogRead(ok=False, files=files))


def test_what_is_passed_on_holds_nothing_else():
    said = LogRead(id=5, ok=True, reason="x" * 9999, page={**PAGE, "colour": "blue", "cut": [0, 7, "a", True],
                                                            "lines": ["a\x00b"]}, files=[{**FILE, "colour": 1}])
    answer = checked(said)
    assert (answer.id, len(answer.reason), answer.files) == (0, 2000, [FILE])
    assert answer.page == {**PAGE, "cut": [0], "lines": ["a�b"]}
