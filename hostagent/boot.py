"""Brings an agent that runs in the background back after a restart of the machine, by cron where there is one.

Standard library only, as all of joining.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

CRON_S = 10.0
DAEMONS = frozenset({"cron", "crond", "fcron", "dcron"})
_PLAIN = re.compile(r"/[A-Za-z0-9/._+-]*")
"""Of a path that cron's line can carry as it is."""


def line(directory: Path) -> str:
    """What cron runs at boot."""
    return f"@reboot {sys.executable} -I {directory}/current/boot.py # Pairwise agent in {directory}"


def keep(directory: Path) -> tuple[str, bool]:
    """Have cron start the agent at boot; a sentence, and whether it will."""
    if not _PLAIN.fullmatch(sys.executable) or not _PLAIN.fullmatch(str(directory)):
        return f"cron cannot be given {directory}, as its path has other characters than letters and digits.", False
    kept = _read()
    if kept is None:
        return "There is no cron on this machine.", False
    if not daemon_runs():
        return "cron is installed, but its daemon does not run.", False
    wanted = [*_others(kept, directory), line(directory)]
    if wanted != kept and (why := _write(wanted)):
        return f"cron did not take the line that starts it at boot ({why}).", False
    return "cron starts it again after a restart of the machine.", True


def forget(directory: Path) -> None:
    """Take the line away again."""
    kept = _read()
    if kept and (others := _others(kept, directory)) != kept:
        _write(others)


def daemon_runs() -> bool:
    """True when a process of this machine is a cron daemon."""
    return any(_name(path) in DAEMONS for path in Path("/proc").glob("[0-9]*/comm"))


def _name(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _others(lines: list[str], directory: Path) -> list[str]:
    return [each for each in lines if not each.endswith(f"# Pairwise agent in {directory}")]


def _read() -> list[str] | None:
    """Lines of this account's crontab, None without cron."""
    if shutil.which("crontab") is None:
        return None
    done = subprocess.run(["crontab", "-l"], check=False, capture_output=True, text=True, timeout=CRON_S)
    # An account without one: exit code 1.
    return done.stdout.splitlines() if done.returncode == 0 else []


def _write(lines: list[str]) -> str:
    """"" when cron took it, else what it said."""
    text = "".join(f"{each}\n" for each in lines)
    done = subprocess.run(["crontab", "-"], input=text, check=False, capture_output=True, text=True, timeout=CRON_S)
    return done.stderr.strip()[-200:] or f"exit code {done.returncode}" if done.returncode else ""
