"""Producers, subscribers, positions and consumers of a queue go on through every fault of a pair, as was promised."""

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.messages import StepDown
from tests.doubles.stomp import Client
from tests.ports import free_port

from .pair_of_servers import SYNC_SECRET, PairOfServers
from .test_positions import full_disk
from .workers import Workers

pytestmark = pytest.mark.scenario


class Faults:
    """What befalls a pair. After each of them it is whole again."""

    def __init__(self, pair: PairOfServers, draw: random.Random):
        self.pair, self.draw, self.epoch = pair, draw, 1
        self.active, self.standby = pair.a, pair.b
        self.version = 20

    def _grant(self, member, role: str) -> None:
        self.version += 10
        member.granted(role, self.epoch, self.version)

    def _follows(self, member) -> None:
        """``member`` stands by for the active one."""
        self._grant(member, "backup")
        self.standby = member
        self.active.wishes("synced")
        self.active.version = max(self.active.version, self.version)
        self.active.record(in_sync=True)
        self.version = self.active.version
        self.active.control.wait_report(link="synced")

    def _take_over(self) -> None:
        self.epoch += 1
        self._grant(self.standby, "primary")
        self.active, self.standby = self.standby, self.active

    def kill(self) -> None:
        self.active.kill()
        self._take_over()
        self._follows(self.pair.restart(self.standby.name))

    def freeze(self) -> None:
        """It was only held up, and finds out that it is deposed."""
        self.active.freeze()
        self._take_over()
        self.standby.thaw()
        self._follows(self.standby)

    def hand_over(self) -> None:
        self.active.control.send(StepDown(epoch=self.epoch, reason="The test says so."))
        self.active.control.wait_report(role="")
        self._take_over()
        self._follows(self.standby)

    def lose_standby(self) -> None:
        self.standby.kill()
        self.active.wishes("alone")
        self.active.record(in_sync=False)
        self.version = self.active.version
        self._follows(self.pair.restart(self.standby.name))

    def hold_up_standby(self) -> None:
        """For less than the standby timeout, while the disk of the active server is full for a moment."""
        self.standby.freeze()
        self.fill()
        self.standby.thaw()

    @contextlib.contextmanager
    def _full(self) -> Iterator[None]:
        with full_disk(self.active, room=20_000), Client(self.active.port) as client:
            client.publish("/topic/large", b"x" * 200_000)
            self.active.control.wait_report(state="service_unavailable")
            yield

    def fill(self) -> None:
        with self._full():
            pass
        self.active.control.wait_report(state="started", reason="")

    def fill_and_fail_over(self) -> None:
        with self._full():
            self._take_over()
        self._follows(self.standby)


ALL = ("kill", "freeze", "hand_over", "lose_standby", "hold_up_standby", "fill", "fill_and_fail_over")


def run(directory: Path, faults: list[str], seed: int) -> int:
    """How many messages were acknowledged."""
    pair = PairOfServers(directory, [free_port() for _ in range(4)], {"redundancy": {"standby-timeout": "8"}},
                         (SYNC_SECRET, SYNC_SECRET))
    try:
        given = Faults(pair.in_sync(), random.Random(seed))
        given.version = pair.a.version
        with Workers([("127.0.0.1", pair.a.port), ("127.0.0.1", pair.b.port)], seed=seed) as workers:
            for fault in faults:
                workers.go_on()
                getattr(given, fault)()
                assert not workers.wrong, (fault, workers.wrong[:5])
            workers.go_on()
            count = workers.check()
        given.pair.wait_equal()
        return count
    finally:
        pair.end()


@pytest.mark.parametrize("fault", ["kill", "hold_up_standby"])
def test_nothing_acknowledged_is_lost_and_nothing_settled_comes_again(tmp_path, fault):
    assert run(tmp_path, [fault], 1) > 50
