"""Where somebody sits who does what a document says: the lines of the document, on the files and hosts of this machine
instead of those that it names."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.documented import lines

from .harness import PATIENCE, ROOT, Pairwise

COMMAND_S = 200 * PATIENCE
PLACES = ("/etc/pairwise", "/srv/backup")
MAKES_A_KEY = re.compile(r"`(python3 -c \"[^`]+\")`")


class Page:
    """``blocks``: lines that stand alone, in their order; ``within``: those within sentences."""

    def __init__(self, name: str):
        self.text = (ROOT / "docs" / name).read_text()
        found = list(lines(self.text))
        self.blocks = [line for line, whole in found if whole]
        self.within = [line for line, whole in found if not whole]

    def named(self, line: str) -> str:
        """``line``, which is to stand in a sentence of it."""
        assert line in self.within, f"{line} is not in {self.within}"
        return line


class Desk:
    """Has ``./run`` and ``pairwise`` as commands, and directories of its own in the place of PLACES."""

    def __init__(self, directory: Path):
        self.directory = directory
        for place in PLACES:
            (directory / place[1:]).mkdir(parents=True)
        self._program(directory / "run", '[ "$1" != manage ] || shift')
        self.commands = directory / "bin"
        self.commands.mkdir()
        # As for the service, whose settings are in a file.
        self.settings = self.place("/etc/pairwise/console.env")
        self._program(self.commands / "pairwise", f"set -a; . {shlex.quote(str(self.settings))}; set +a")

    @staticmethod
    def _program(path: Path, before: str) -> None:
        path.write_text(f"#!/bin/sh -e\n{before}\ncd {shlex.quote(str(ROOT))}\n"
                        f'exec {shlex.quote(sys.executable)} manage.py "$@"\n')
        path.chmod(0o755)

    def place(self, path: str) -> Path:
        """Where this machine has what a document calls ``path``."""
        return self.directory / path[1:]

    def line(self, text: str) -> str:
        """As it is typed here."""
        for place in PLACES:
            text = text.replace(place, str(self.place(place)))
        return text

    def keep_secret(self, path: str, text: str) -> None:
        self.place(path).touch(0o600)
        self.place(path).write_text(text)

    def make_key(self, page: Page) -> None:
        made = subprocess.check_output(["sh", "-c", MAKES_A_KEY.search(page.text)[1]], text=True)
        self.keep_secret("/etc/pairwise/backup_key", made)

    def keep_settings(self, run: Pairwise, **more: str) -> None:
        """For ``pairwise``, which knows nothing else."""
        known = {name: value for name, value in run.environment.items() if name.startswith(("PAIRWISE_", "DJANGO_"))}
        self.keep_secret("/etc/pairwise/console.env", "".join(
            f"{name}={shlex.quote(value)}\n" for name, value in (known | more).items()))

    def type(self, run: Pairwise, text: str, *, code: int = 0) -> str:
        """What a line says, typed beside ``run``."""
        run.end_asked()
        done = subprocess.run(["sh", "-c", self.line(text)], cwd=self.directory, text=True, timeout=COMMAND_S,
                              env=run.environment | {"PATH": f"{self.commands}:{os.environ['PATH']}"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == code, done.stdout
        return done.stdout
