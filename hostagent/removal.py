"""Takes the agent away again: ``remove.py`` of the bundle. Standard library only."""

import signal
import stat
import sys
from pathlib import Path

from .boot import forget
from .enrol import SERVERS_END_TOO, SYSTEMD, UNITS, HostConsole, stop_in_background, systemctl, unit_name, unit_text
from .join import COMMAND_AGAIN, REPORT_S, Stop, ended, read_config
from .opened import Directory
from .ways import real


def remove_main(directory: Path) -> int:
    """Take the agent in ``directory`` away; the exit code."""
    return ended(lambda: remove(directory), COMMAND_AGAIN)


def remove(directory: Path) -> None:
    """Stop the agent with its servers, then take away everything but the installed applications. Raises Stop, and then
    nothing was taken away that a server still needs."""
    print("Stopping the agent with its servers, each within its Shutdown Timeout", flush=True)
    remove_service(directory)
    stop_in_background(directory, signal.SIGINT)
    forget(directory)
    tell_leave(directory)
    remove_files(directory)
    print(f"The agent was removed. Installed applications are still in {directory / 'apps'}. Delete the host in the "
          "console, if it is not to come back.")


def remove_service(directory: Path) -> None:
    """Stop it, if there is one, and take its unit away. Raises Stop."""
    unit, runs = unit_name(directory), SYSTEMD.is_dir()
    if not (UNITS / unit).exists():
        return
    if runs:
        (UNITS / unit).write_text(unit_text(directory, (read_config(directory) or {}).get("host", ""), SERVERS_END_TOO))
        systemctl(unit, "daemon-reload")
        systemctl(unit, "disable", unit)
        systemctl(unit, "stop", unit, within_s=None)
    (UNITS / unit).unlink()
    if runs:
        systemctl(unit, "daemon-reload")


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
