"""Processes that end with the one that started them."""

import subprocess
import sys

from protocol.identity import start_ticks
from tests.sources import ROOT
from tests.waiting import wait_for

STARTS = """
import subprocess, sys, time
from console.up.processes import following_us
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], preexec_fn=following_us())
print(other.pid, flush=True)
time.sleep(60)
"""


def test_a_process_that_follows_ends_when_the_one_that_started_it_is_killed():
    with subprocess.Popen([sys.executable, "-c", STARTS], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert start_ticks(pid)
        parent.kill()
    wait_for(lambda: not start_ticks(pid), 10, "its end")
