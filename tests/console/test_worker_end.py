"""The console worker, once its schedule has ended: it is gone soon, whatever keeps it, so that `up` starts it anew."""

import os
import subprocess
import sys

from tests.sources import ROOT

HANGS = """
import signal, time
from console import celery
from console.schedule import Duty, Schedule

celery.ENDS_S = 0.1
# As Celery's main process after an error that it does not expect.
signal.signal(signal.SIGTERM, lambda *_: print("asked to end", flush=True))
schedule = Schedule([Duty(print, "never")])
schedule.start(celery._end)
time.sleep(30)
print("goes on")
"""


def test_a_worker_that_does_not_end_when_it_is_asked_to_is_ended(tmp_path):
    done = subprocess.run([sys.executable, "-c", f"import django; django.setup(){HANGS}"], cwd=ROOT, timeout=30,
                          capture_output=True, text=True, env={
                              **os.environ, "PAIRWISE_DATA_DIR": str(tmp_path),
                              "DJANGO_SETTINGS_MODULE": "console.settings"})
    assert (done.returncode, done.stdout) == (1, "asked to end\n"), done.stderr
