"""Programs that a bundle has beside what it imports."""


STARTER = '''"""Starts the agent from the directory that it was unpacked into."""

import os
import runpy
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))
runpy.run_module("hostagent", run_name="__main__", alter_sys=True)
'''
REMOVER = '''"""Takes the agent away from this machine; what it installed stays."""

import os
import sys
from pathlib import Path

here = Path(os.path.realpath(__file__)).parent
sys.path.insert(0, str(here / "lib"))

from hostagent import removal  # noqa: E402 - only now can it be found

sys.exit(removal.remove_main(here.parent))
'''
BOOTER = '''"""Starts the agent in the background; cron runs it when the machine has started."""

import os
import sys
from pathlib import Path

here = Path(os.path.realpath(__file__)).parent
sys.path.insert(0, str(here / "lib"))

from hostagent import enrol  # noqa: E402 - only now can it be found

enrol.boot(here.parent)
'''
ENROLLER = '''"""Goes on where the join program ended; what that knows is on standard input."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))

from hostagent import enrol  # noqa: E402 - only now can it be found

sys.exit(enrol.main(json.load(sys.stdin)))
'''
PROGRAMS = {"agent.py": STARTER, "remove.py": REMOVER, "boot.py": BOOTER, "enrol.py": ENROLLER}
PACKAGER = '''"""What the scripts of the package pairwise-agent and its command run."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))

from hostagent import packaged  # noqa: E402 - only now can it be found

sys.exit(packaged.main(sys.argv[1:]))
'''
"""Beside those, where a package brings them."""
ASYNC_TIMEOUT = '''"""What redis asks for on Python 3.11.0 to 3.11.2, from the standard library."""

from asyncio import Timeout, timeout, timeout_at

__all__ = ["Timeout", "timeout", "timeout_at"]
'''
