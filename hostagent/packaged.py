"""The agent as a package of the system brought it: joins, is replaced by a newer package, and leaves with it.

The programs of a package are in ``PACKAGE`` of the directory that hosts which join by a line have, too, so that all
else is as there.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from protocol import outside
from protocol.version import VERSION

from .enrol import PACKAGE, HostConsole, enrol, start
from .join import COMMAND_AGAIN, DIRECTORY, Console, Stop, check_clock, ended, prepare, read_config, stage
from .removal import remove

NAME, COMMAND = "pairwise-agent", Path("/usr/sbin/pairwise-agent-join")
PROMISE = "BUNDLE = "
"""How the line of the join program begins that has the authorities."""


def main(arguments: Sequence[str]) -> int:
    """``join --console URL``; ``settle`` and ``leave`` are for the package's own scripts. The exit code."""
    parser = argparse.ArgumentParser(prog=NAME)
    verbs = parser.add_subparsers(dest="verb", required=True)
    join = verbs.add_parser("join", prog=COMMAND.name, description="Join this machine to a Pairwise console. The token "
                            "is read from standard input.")
    join.add_argument("--console", metavar="URL", required=True, help="address of the console")
    join.add_argument("--ca", metavar="FILE", type=Path, help="the authority (PEM) that the console's certificate is "
                      "of; without it those that this machine trusts")
    verbs.add_parser("settle")
    verbs.add_parser("leave")
    options = parser.parse_args(arguments)
    os.umask(0o022)
    return ended(lambda: _carry_out(options), COMMAND_AGAIN)


def _carry_out(options: argparse.Namespace) -> None:
    """Raises Stop."""
    if options.verb == "join":
        join_console(options.console, _token(), options.ca)
    elif (config := read_config(DIRECTORY)) is not None:
        if options.verb == "settle":
            print(start(DIRECTORY, PACKAGE, config))
        else:
            remove(DIRECTORY)


def _token() -> str:
    """From standard input; somebody at a terminal is asked, and does not show it."""
    return (getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()


def join_console(url: str, token: str, ca: Path | None) -> None:
    """As the line of a host's page does, with the programs that are here. Raises Stop."""
    if not token:
        raise Stop(f"The token is missing: echo TOKEN | {COMMAND.name} --console {url}")
    try:
        authority = ca.read_text() if ca else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"{ca} cannot be read ({error}): name the PEM file of the authority.") from None
    console = HostConsole(url, token, authority)
    trust = authorities(console.get("/join/program"))
    first = console.report("machine", "running", "")
    with stage(console, "machine", "Machine") as said:
        if "now" in first:
            check_clock(first["now"], first["within_s"])
        prepare(DIRECTORY, first["host"])
        said.append(f"Python {sys.version.split()[0]}.")
    _came_with_the_package(console)
    enrol(console, DIRECTORY, {"name": PACKAGE, "ca": trust["ca"], "console_ca": trust["console_ca"] or authority})


def authorities(program: bytes) -> dict[str, Any]:
    """What the console's join program says of the authorities of control and of the web console. Nothing of it is run.
    Raises Stop."""
    try:
        [line] = [line for line in program.decode().splitlines() if line.startswith(PROMISE)]
        promised = outside.read_json(line.removeprefix(PROMISE))
        return {name: str(promised[name]) for name in ("ca", "console_ca")}
    except (ValueError, KeyError, TypeError):
        raise Stop("What answers there is no console that this agent knows: check the address, or install the package "
                   "of the console's version.") from None


def _came_with_the_package(console: Console) -> None:
    for name, label in (("fetch", "Fetched"), ("check", "Checked"), ("unpack", "Unpacked")):
        with stage(console, name, label) as said:
            said.append(f"By the package {NAME} of this machine (agent {VERSION}).")
