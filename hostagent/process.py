"""What the agent holds of one application's process."""

import asyncio

from protocol.messages import ProcessChanged

from .launch import Follower
from .state import Record
from .supervision import Status
from .surroundings import account_of


class Process:
    """``known``: it was started or watched at some time, so control hears of it. ``adopting``: it was started by
    an earlier run of the agent and has not yet been found. ``watched``: (pid, start ticks) of the last server that
    control named as started by hand. ``hanging``: it shows no sign of life.
    ``log_start``: size of the log when the present run began, in bytes."""

    def __init__(self, name: str, record: Record):
        self.name, self.record = name, record
        self.status = Status()
        self.follower: Follower | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.watched = (0, 0)
        self.log_start = 0
        self.known = self.adopting = self.hanging = False

    def describe(self, now: float) -> ProcessChanged:
        status = self.status
        wait_s = max(0.0, status.due - now) if status.state == "backoff" else 0.0
        return ProcessChanged(
            application=self.name, state=status.state, pid=status.pid, started=status.started,
            exit_code=status.exit_code, signal=status.signal, planned=status.planned, restart_in_s=round(wait_s, 3),
            restarts=status.restarts, by_hand=status.by_hand, reason=status.reason,
            hanging=self.hanging,
            account=account_of(status.pid) if status.state in ("running", "stopping") else "")
