"""The loop of `manage.py up`: starts the children in order, restarts those that end, stops them in order."""

import contextlib
import selectors
import signal
import socket
import time
from collections.abc import Callable, Collection

from console.up.child import Child, how_it_ended, rotate
from console.up.processes import KILLED_S, has_terminal
from console.up.record import RunRecord
from hostagent.signs import Signs, Silence
from protocol import hangups
from protocol.watchdog import ALIVE, READY, Watchdog

ROTATE_EVERY_S = 60.0
LOOK_S = 1.0
FIRST_SIGN_S = 120.0
"""A child that shows life may take so long until it does so first."""
HURRY_S = 5.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""SIGHUP asks to stop when it comes of the terminal that is closed."""


class Asked(BaseException):
    """Somebody pressed Ctrl-C (or ended us) while we waited for something else. As KeyboardInterrupt, it must pass
    through code that catches every Exception."""


class Signals:
    """Counts the requests to stop and wakes the loop for them and for every child that ends."""

    def __init__(self):
        self.stops = 0
        self._interrupt = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()

    def __enter__(self) -> "Signals":
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        if self._before[signal.SIGHUP] == signal.SIG_IGN or not has_terminal():
            # Started with nohup, it outlives its terminal; as a service it has none that could be closed.
            hangups.outlive()
        else:
            signal.signal(signal.SIGHUP, self._asked)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._asked)
        # A handler, not SIG_IGN: only a handler writes to the wake-up socket.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    def wake_for(self, source) -> None:
        """``wait`` ends when there is something to read from ``source``, too."""
        self._selector.register(source, selectors.EVENT_READ)

    def _asked(self, *_) -> None:
        self.stops += 1
        if self._interrupt:
            raise Asked

    def wait(self, seconds: float) -> None:
        """Until a signal arrives or ``seconds`` passed."""
        if self._selector.select(max(seconds, 0)):
            with contextlib.suppress(BlockingIOError):
                while self._wake_read.recv(4096):
                    pass

    @contextlib.contextmanager
    def interrupting(self):
        """Inside, a request to stop raises Asked at once; an earlier one does so on entry."""
        self._interrupt = True
        try:
            if self.stops:
                raise Asked
            yield
        finally:
            self._interrupt = False

    @contextlib.contextmanager
    def shielded(self):
        """Inside ``interrupting``: a request to stop that comes in this block counts at its end."""
        before, self._interrupt = self._interrupt, False
        try:
            yield
        finally:
            self._interrupt = before
        if before and self.stops:
            raise Asked


class Supervisor:
    """``say`` prints a line on the terminal; ``on_hurry`` ends what the children themselves started."""

    def __init__(self, children: list[Child], *, record: RunRecord, signals: Signals, say: Callable[[str], None],
                 on_hurry: Callable[[], None] = lambda: None):
        self.children, self._record, self._signals, self._say = children, record, signals, say
        self._on_hurry = on_hurry
        self.beside: Callable[[], None] = lambda: None
        """What else is looked at in each round."""
        # The record is locked, so the file is that of no other run.
        self._signs = Signs(file=record.path.with_name("signs.sock"))
        self._silence, self._own = Silence(LOOK_S, time.monotonic()), Watchdog()
        signals.wake_for(self._signs)
        self._rotate_at = time.monotonic() + ROTATE_EVERY_S

    def close(self) -> None:
        """Nothing is watched any more."""
        self._signs.close()
        self._own.close()

    def start(self, child: Child) -> None:
        """Start it, or later what cannot be started now."""
        # A process that was started and is not yet known would be left behind.
        with self._signals.shielded():
            try:
                silent_s = child.program.silent_s
                child.start(self._signs.environment(silent_s) if silent_s else {})
            except OSError as error:
                child.start_later()
                self._say(f"{child.program.label} cannot be started ({error}); it is tried again {_when(child)}")
                return
            if silent_s:
                self._silence.expect(child.pid, time.monotonic(), within_s=FIRST_SIGN_S - silent_s)
            self._record.child(child.program.name, child.pid)

    def _look_for_life(self) -> None:
        """Kill what hangs, once: that it has ended is noticed as of any other, when the kernel lets go of it."""
        now, heard = time.monotonic(), self._signs.read()
        self._silence.look(now, crowded=self._signs.were_crowded())
        for child in self.children:
            limit_s = child.program.silent_s
            if not child.runs or not limit_s:
                continue
            if child.pid in heard:
                self._silence.expect(child.pid, now)
            elif self._silence.silent_s(child.pid, now) > limit_s and not child.killed:
                self._say(f"{child.program.label} has shown no sign of life for {limit_s:g} s and is killed")
                child.kill()

    def show_life(self) -> None:
        """Say that we live, and see whether the children do: at least once a second, whatever else is waited for."""
        self._own.tell(ALIVE)
        self._look_for_life()

    def look(self) -> None:
        """One round: notice ends and silence, start again what is due, write what could not be written, keep the logs
        short."""
        self.show_life()
        self.beside()
        for child in self.children:
            pid, code = child.pid, child.ended()
            if code is not None:
                self._silence.forget(pid)
                self._say(f"{child.program.label} {how_it_ended(code)}; it starts again {_when(child)} "
                          f"(log: {child.log})")
            if child.start_again_at is not None and time.monotonic() >= child.start_again_at:
                self.start(child)
                if child.process is not None:
                    self._say(f"{child.program.label} was started again")
        self._record.settle()
        if time.monotonic() > self._rotate_at:
            self._rotate_at = time.monotonic() + ROTATE_EVERY_S
            for child in self.children:
                rotate(child.log)

    def wait(self, seconds: float) -> None:
        """Until something happened or is due, or ``seconds`` passed."""
        due = [child.start_again_at - time.monotonic() for child in self.children if child.start_again_at is not None]
        self._signals.wait(min([seconds, LOOK_S, *due]))

    def halt(self, names: Collection[str]) -> None:
        """Stop the programs of these names; they stay so until ``go_on``."""
        group = [child for child in self.children if child.program.name in names]
        for child in group:
            child.start_again_at = None
            child.halted = True
        self._stop_group([child for child in group if child.process is not None], self._signals.stops)

    def go_on(self) -> None:
        """Start again, in their order, what was halted."""
        for child in self.children:
            if child.halted:
                child.halted = False
                if child.process is None and not self._signals.stops:
                    self.start(child)

    def run(self) -> None:
        """Keep everything running until somebody asks to stop."""
        self._own.tell(READY)
        while not self._signals.stops:
            self.look()
            self.wait(ROTATE_EVERY_S)

    def stop(self, groups: list[list[Child]]) -> None:
        """Stop the children group by group. A further request to stop means hurry: they are killed soon."""
        asked = self._signals.stops
        for child in self.children:
            child.start_again_at = None
        for group in groups:
            self._stop_group([child for child in group if child.process is not None], asked)

    def _stop_group(self, group: list[Child], asked: int) -> None:
        deadlines = {}
        for child in group:
            child.ask_to_stop()
            deadlines[child.program.name] = time.monotonic() + child.stop_s
        told = False
        while group := [child for child in group if not child.gone()]:
            if self._signals.stops > asked and not told:
                told = True
                self._hurry(group, deadlines)
            group = [child for child in group if not self._is_given_up(child, deadlines)]
            self._signals.wait(0.1 if told else 0.5)
            self.show_life()

    def _is_given_up(self, child: Child, deadlines: dict[str, float]) -> bool:
        """Kill it once its time is over; True when that did not help either."""
        if time.monotonic() <= deadlines[child.program.name]:
            return False
        if child.killed:
            self._say(f"{child.program.label} (process {child.pid}) does not end, though it was killed; it is left")
            return True
        self._say(f"{child.program.label} did not end in time and was killed")
        child.kill()
        deadlines[child.program.name] = time.monotonic() + KILLED_S
        return False

    def _hurry(self, waiting: list[Child], deadlines: dict[str, float]) -> None:
        self._say(f"Hurrying: servers are killed now, what else does not end within {HURRY_S:g} s is killed too")
        self._on_hurry()
        for child in waiting:
            deadlines[child.program.name] = min(deadlines[child.program.name], time.monotonic() + HURRY_S)


def _when(child: Child) -> str:
    wait_s = max(0.0, (child.start_again_at or 0.0) - time.monotonic())
    return f"in {wait_s:.1f} s" if wait_s else "at once"
