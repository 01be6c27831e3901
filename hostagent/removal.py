"""Takes the agent away again: ``remove.py`` of the bundle. Standard library only."""

import signal
import stat
import subprocess
import sys
from pathlib import Path

from .boot import forget
from .enrol import STOP_S, UNITS, HostConsole, stop_in_background, unit_name
from .join import REPORT_S, Stop, read_config
from .opened import Directory
from .ways import real


def remove_main(directory: Path) -> int:
    """Take the agent in ``directory`` away; the exit code."""
    try:
        remove(directory)
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    return 0


def remove(directory: Path) -> None:
    """Stop the agent with its servers, then take away everything but the installed applications. Raises Stop."""
    unit = unit_name(directory)
    if (UNITS / unit).exists():
        # On SIGINT the agent stops its servers before it ends.
        text = (UNITS / unit).read_text().replace("KillMode=process", "KillMode=process\nKillSignal=SIGINT")
        (UNITS / unit).write_text(text)
        for arguments in (["daemon-reload"], ["disable", unit], ["stop", unit]):
            subprocess.run(["systemctl", *arguments], check=False, capture_output=True, timeout=STOP_S * 2)
        (UNITS / unit).unlink()
        subprocess.run(["systemctl", "daemon-reload"], check=False, capture_output=True, timeout=STOP_S)
    stop_in_background(directory, signal.SIGINT)
    forget(directory)
    tell_leave(directory)
    remove_files(directory)
    print(f"The agent was removed. Installed applications are still in {directory / 'apps'}. Delete the host in the "
          "console, if it is not to come back.")


def remove_files(directory: Path) -> None:
    """All but the installed applications, which belong to their accounts. Raises Stop."""
    try:
        with Directory.at(real(directory)) as place:
            for name in place.names():
                facts = place.facts_of(name) if name == "apps" else None
                kept = facts is not None and stat.S_ISDIR(facts.st_mode)
                if not kept and not place.remove_all(name):
                    raise Stop(f"{directory / name} could not be removed. Remove it by hand.")
    except OSError as error:
        raise Stop(f"{directory} could not be removed: {error.strerror}. Remove it by hand.") from None


def tell_leave(directory: Path) -> None:
    """The console gives the host another secret and says that nothing there is managed any more."""
    config = read_config(directory) or {}
    if not config.get("console_url"):
        return
    try:
        authority = Path(config["console_ca_file"]).read_text() if config.get("console_ca_file") else ""
        console = HostConsole(config["console_url"], "", authority)
        console.host, console.secret = config["host"], config["secret"]
        console.post("/join/leave", {"host": console.host}, REPORT_S)
    except (Stop, OSError) as stop:
        print(f"The console was not told ({stop}) Its page of this host says when the agent was last heard.",
              file=sys.stderr)
