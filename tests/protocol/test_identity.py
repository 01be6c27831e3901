"""Which process a pid names."""

import os
import re
import subprocess
import sys

from protocol.identity import is_alive, start_ticks, stat_fields
from tests.sources import SHIPPED, sources

CALLED_ODDLY = "import os, sys; open('/proc/self/comm', 'w').write('a) Z 1 ('); print(flush=True); sys.stdin.read()"


def test_one_module_reads_what_the_kernel_says_of_a_process_and_the_one_that_stands_alone():
    reads = re.compile(r'/proc/(self|\{[^}]*\})/stat"')
    found = {name for name, text in sources("bench", *SHIPPED).items() if reads.search(text)}
    assert found == {"protocol/identity.py", "hostagent/shim.py"}


def test_a_process_is_known_by_its_start_whatever_it_is_called():
    with subprocess.Popen([sys.executable, "-c", CALLED_ODDLY], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        started = start_ticks(process.pid)
        assert started >= start_ticks(os.getpid()) > 0
        assert int(stat_fields(process.pid)[1]) == os.getpid()
        assert is_alive(process.pid, started)
        assert not is_alive(process.pid, started - 1)
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        # A zombie.
        assert stat_fields(process.pid)
        assert not start_ticks(process.pid)
    assert not stat_fields(process.pid)


def test_no_number_that_is_no_process_is_alive():
    assert not any(is_alive(pid, started) for pid, started in ((0, 0), (-1, 5), (os.getpid(), 0)))
