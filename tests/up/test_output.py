"""What a command prints, where nobody reads on."""

import os
import signal
import subprocess
import sys

from tests.web import ROOT


def test_a_reader_that_has_enough_is_no_fault(tmp_path):
    """As `./run manage status | head -3` has."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "manage.py", "help"], cwd=ROOT, stdout=write, stderr=subprocess.PIPE,
                          timeout=60, env={**os.environ, "PAIRWISE_DATA_DIR": str(tmp_path)})
    os.close(write)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")
