"""The console worker, once its beat has ended: it is gone soon, whatever keeps it, so that `up` starts both anew."""

import os
import subprocess
import sys

from tests.sources import ROOT

HANGS = """
import os, signal, subprocess
from console import celery

celery.ENDS_S = 0.1
# As Celery's main process after an error that it does not expect.
signal.signal(signal.SIGTERM, lambda *_: print("asked to end", flush=True))
beat = subprocess.Popen(["true"])
ended = os.pidfd_open(beat.pid)
celery._ask_to_end_after(ended)
print("goes on")
"""


def test_a_worker_that_does_not_end_when_it_is_asked_to_is_ended(tmp_path):
    done = subprocess.run([sys.executable, "-c", HANGS], cwd=ROOT, capture_output=True, text=True, timeout=30,
                          env={**os.environ, "PAIRWISE_DATA_DIR": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "asked to end\n"), done.stderr
