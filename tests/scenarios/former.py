"""Programs of hosts as a former version of Pairwise had them, out of the history of this repository."""

import io
import re
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path

from console.up.windows_launcher import windows_launcher

from .harness import ROOT

COMMIT = "e82e7feb2411"
"""The former version: the oldest that docs/upgrading.md promises to go on working."""
ON_HOSTS = ("hostagent", "messageserver", "protocol")
BUILD = """
import sys
from pathlib import Path
from messageserver import packaging
print(packaging.build(Path(sys.argv[1]), sys.stdin.buffer.read()))
"""


@cache
def why_none() -> str:
    """"" where the former version can be had, else why not."""
    done = subprocess.run(["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"], cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else (f"the history of this clone does not reach back to {COMMIT}: fetch all of "
                                            "it (git fetch --unshallow)")


def unpacked(directory: Path, commit: str = COMMIT) -> Path:
    """The programs of hosts at ``commit``, in ``directory``."""
    done = subprocess.run(["git", "archive", commit, *ON_HOSTS], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory


def package_of(programs: Path, number: str) -> Path:
    """An Installation Package with the Message Server of ``programs``, which says that it has this number."""
    declared = programs / "messageserver/__init__.py"
    text = declared.read_text()
    declared.write_text(re.sub(r'^VERSION = ".*"$', f'VERSION = "{number}"', text, flags=re.MULTILINE))
    try:
        done = subprocess.run([sys.executable, "-c", BUILD, str(programs)], cwd=programs, check=True,
                              input=windows_launcher(), capture_output=True)
    finally:
        declared.write_text(text)
    return Path(done.stdout.decode().strip())
