"""``./run soak N [--seed S] [--rate R]``: N random faults on a pair of two hosts, under load, every promise checked.

Consumers of a queue and of named positions work meanwhile, and what they were promised is checked, too.
Prints a line a fault: what was done, the longest time without an acknowledgement, who serves now. A quarter are double
faults; a fifth of the time the next one does not wait until the pair is whole again. What was acknowledged is read back
every AUDIT_EVERY faults, and all of it at the end, from both members. Exit code 1 when a promise was broken or the pair
did not become whole; the logs are kept then.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.messageserver.workers import Workers
from tests.scenarios.hosts import why_no_hosts
from tests.scenarios.ledger import Ledger
from tests.scenarios.pairs import Pair
from tests.scenarios.site import Site

from .faults import Fault, Skipped, draw_fault, possible
from .report import Report

DOUBLE, AT_ONCE = 0.25, 0.2
AUDIT_EVERY = 20
WHOLE_S = 60.0
SECOND_AFTER_S = 1.5
A_FAULT_TAKES_S, A_MESSAGE_TAKES_BYTES = 10, 600
CONSUMERS_PAUSE_S, CONSUMERS_RECORDS = 0.02, 200
"""After each answer to their producer; so many records a second come of them at most, with what is noted of them."""


class Soak:
    """``say`` gets the lines. ``run`` raises AssertionError when something is wrong."""

    def __init__(self, pair: Pair, ledger: Ledger, consumers: Workers, draw: random.Random, say=print):
        self.pair, self.ledger, self.consumers, self.draw, self.say = pair, ledger, consumers, draw, say
        self.report = Report()

    def run(self, count: int) -> None:
        for number in range(1, count + 1):
            last = number == count
            audit = last or number % AUDIT_EVERY == 0
            self._round(number, wait=audit or self.draw.random() >= AT_ONCE)
            if audit:
                self.say(f"     {self.ledger.audit()} messages read back: nothing lost, nothing doubled")
        self._finish()

    def _round(self, number: int, *, wait: bool) -> None:
        faults = [draw_fault(self.pair, self.draw)]
        if self.draw.random() < DOUBLE:
            faults.append(draw_fault(self.pair, self.draw, beside=faults[0].kind))
        self.ledger.acks.forget(time.monotonic() - 60)
        done: list[Fault] = []
        labels: list[str] = []
        given = self.ledger.fault(lambda: self._inject(faults, done, labels))
        time.sleep(max((fault.hold_s for fault in done), default=0))
        self.draw.shuffle(done)
        for fault in done:
            self._undo(fault)
        outage = None
        if wait:
            self.pair.mend()
            for member in self.pair.members:
                if member.facts()["status"] in ("Stopped", "Gave Up"):
                    member.start_again(WHOLE_S)
            self.pair.wait_whole(WHOLE_S)
            outage = given.outage()
            self.consumers.go_on(10, WHOLE_S)
        assert not self.consumers.wrong, self.consumers.wrong[:5]
        self.report.add([fault.kind for fault in done], outage)
        tail = "the next follows at once" if outage is None else f"{outage * 1000:6.0f} ms  {self._who_serves()}"
        self.say(f"{number:4} {time.strftime('%H:%M:%S')}  {' + '.join(labels):72}  {tail}")

    def _inject(self, faults: list[Fault], done: list[Fault], labels: list[str]) -> None:
        for fault in faults:
            if labels:
                time.sleep(self.draw.uniform(0, SECOND_AFTER_S))
            try:
                possible(fault.inject)
            except Skipped as skipped:
                labels.append(f"{fault.label} (no: {str(skipped)[:60]})")
            else:
                done.append(fault)
                labels.append(fault.label)

    @staticmethod
    def _undo(fault: Fault) -> None:
        try:
            possible(fault.undo)
        except Skipped:
            return  # another fault, or what followed from this one, was faster; ``mend`` does the rest

    def _who_serves(self) -> str:
        facts = self.pair.facts()
        return f"{facts['active']} serves in epoch {facts['epoch']}"

    def _finish(self) -> None:
        """Everything is read from both members, once consumers have what was acknowledged to their producer."""
        self.pair.wait_whole(WHOLE_S)
        count = self.consumers.check(WHOLE_S)
        self.say(f"     {count} messages came to consumers: nothing lost, nothing settled came again")
        for _ in self.pair.members:
            self.pair.wait_whole(WHOLE_S)
            count = self.ledger.check(timeout=300)
            self.pair.wait_equal_copies(30)
            self.say(f"     {count} messages read from {self.pair.active}: nothing lost, nothing doubled")
            self.pair.switch_over()
        self.pair.wait_proven()


def soak(count: int, seed: int, rate: float, directory: Path) -> int:
    """The exit code."""
    disk_mb = 200 + int(count * A_FAULT_TAKES_S * (rate + CONSUMERS_RECORDS) * A_MESSAGE_TAKES_BYTES / 2**20)
    site = Site(directory, disk_mb=disk_mb)
    began, code = time.monotonic(), 0
    try:
        pair = Pair(site, "soak", small_disk=True, options={"log": {"verbose": "standard", "all": "stdout, network"}})
        with (pair.ledger(rate=rate, size=200) as ledger,
              Workers(pair.addresses, seed=seed, pause_s=CONSUMERS_PAUSE_S) as consumers):
            run = Soak(pair, ledger, consumers, random.Random(seed))
            try:
                run.run(count)
            except AssertionError as error:
                code = 1
                print(f"FAILED (seed {seed}): {error}\nerrors of the clients: {ledger.errors[-5:]}", flush=True)
            print(run.report.text(acknowledged=ledger.acknowledged, seed=seed, took_s=time.monotonic() - began,
                                  kept=not code), flush=True)
    finally:
        left = site.end()
    if left:
        print(f"left behind: {left}")
    return code or bool(left)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__.partition("\n\n")[2])
    parser.add_argument("count", type=int, nargs="?", default=50, metavar="N", help="faults (default %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of the random choices (default: another each time)")
    parser.add_argument("--rate", type=float, default=300, help="messages a second (default %(default)g)")
    given = parser.parse_args()
    if reason := why_no_hosts():
        print(f"A soak needs hosts of its own: {reason}.", file=sys.stderr)
        return 2
    seed = random.randrange(10**6) if given.seed is None else given.seed
    directory = Path(tempfile.mkdtemp(prefix="pairwise-soak-"))
    print(f"{given.count} faults, seed {seed}, {given.rate:g} messages a second; logs: {directory}", flush=True)
    code = 1
    try:
        code = soak(given.count, seed, given.rate, directory)
    finally:
        if code == 0:
            shutil.rmtree(directory, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
