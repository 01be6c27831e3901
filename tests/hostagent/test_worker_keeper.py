"""The agent's care for its worker, when that cannot even be started."""

import asyncio
import logging

import pytest

from hostagent.config import load
from hostagent.directories import prepare_directories
from hostagent.state import AgentState
from hostagent.worker import WorkerKeeper

from .doubles import until, write_config


@pytest.mark.parametrize(("room", "pause"), [(True, "0.4 s"), (False, "3 s")])
@pytest.mark.long
async def test_a_worker_that_cannot_be_started_is_tried_again_and_ends_nothing(tmp_path, caplog, monkeypatch, room,
                                                                                pause):
    monkeypatch.setattr("hostagent.worker.has_room", lambda directory: room)
    config = load(write_config(tmp_path), {})
    prepare_directories(config)
    keeper = WorkerKeeper(config, AgentState.load(config.state_dir / "agent-state.json"))
    keeper.log_path.mkdir()
    with caplog.at_level(logging.ERROR):
        keeping = asyncio.create_task(keeper.run())
        await until(lambda: caplog.messages)
    assert caplog.messages[0].startswith("The host worker could not be started")
    assert f"it is started again in {pause}" in caplog.messages[0]
    keeper.log_path.rmdir()
    await until(lambda: keeper.runs)
    keeping.cancel()
    await keeper.stop()
    assert not keeper.runs
