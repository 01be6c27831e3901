"""The agent as a package of the system brought it: joins, is replaced by a newer package, and leaves with it.

The programs of a package are in ``PACKAGE`` of the directory that hosts which join by a line have, too, so that all
else is as there.
"""

import argparse
import getpass
import hashlib
import os
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from protocol import outside
from protocol.names import LOOPBACK
from protocol.version import VERSION

from .enrol import PACKAGE, HostConsole, enrol, start
from .join import COMMAND_AGAIN, DIRECTORY, Console, Stop, check_clock, ended, prepare, read_config, stage
from .removal import remove

NAME, COMMAND = "pairwise-agent", Path("/usr/sbin/pairwise-agent-join")
PLAIN = ("Plain HTTP proves nobody: whatever machine answers at {url} would be taken for the console. Use an address "
         "that begins with https://, or the command that the host's page shows for a package: its --sha256 tells the "
         "console from others.")
OTHER_PROGRAM = ("What answers at {url} is not the console that --sha256 names, or that was upgraded since its page "
                 "showed the command. It was told nothing. Reload the host's page and use the command that it shows; "
                 "when it says so again, another machine answers in the console's place.")
PROGRAM, PROMISE = "/join/program", "BUNDLE = "
"""Where the join program is, and how its line begins that has the authorities."""


def main(arguments: Sequence[str]) -> int:
    """``join --console URL``; ``settle`` and ``leave`` are for the package's own scripts. The exit code."""
    parser = argparse.ArgumentParser(prog=NAME)
    verbs = parser.add_subparsers(dest="verb", required=True)
    join = verbs.add_parser("join", prog=COMMAND.name, description="Join this machine to a Pairwise console. The token "
                            "is read from standard input.")
    join.add_argument("--console", metavar="URL", required=True, help="address of the console")
    join.add_argument("--sha256", metavar="DIGEST", default="", help="of the console's join program, as the host's "
                      "page says it: by that the console is known, and its authority with it")
    join.add_argument("--ca", metavar="FILE", type=Path, help="without --sha256: the authority (PEM) that the "
                      "console's certificate is of; without either those that this machine trusts")
    verbs.add_parser("settle")
    verbs.add_parser("leave")
    options = parser.parse_args(arguments)
    os.umask(0o022)
    return ended(lambda: _carry_out(options), COMMAND_AGAIN)


def _carry_out(options: argparse.Namespace) -> None:
    """Raises Stop."""
    if options.verb == "join":
        join_console(options.console, _token(), options.ca, options.sha256)
    elif (config := read_config(DIRECTORY)) is not None:
        if options.verb == "settle":
            print(start(DIRECTORY, PACKAGE, config))
        else:
            remove(DIRECTORY)


def _token() -> str:
    """From standard input; somebody at a terminal is asked, and does not show it."""
    return (getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()


class Stranger(Console):
    """Whoever answers at ``url``: it is told nothing, and what it gives has to prove itself."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "", context=ssl._create_unverified_context())

    def proof(self, method: str, path: str, data: bytes) -> dict[str, str]:
        return {}


def join_console(url: str, token: str, ca: Path | None, sha256: str) -> None:
    """As the line of a host's page does, with the programs that are here. Raises Stop."""
    if not token:
        raise Stop(f"The token is missing: echo TOKEN | {COMMAND.name} --console {url}")
    try:
        authority = ca.read_text() if ca else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"{ca} cannot be read ({error}): name the PEM file of the authority.") from None
    trust = authorities(promised(url, sha256) if sha256 else verified(url, authority))
    console = HostConsole(url, token, trust["console_ca"] or authority)
    first = console.report("machine", "running", "")
    with stage(console, "machine", "Machine") as said:
        if "now" in first:
            check_clock(first["now"], first["within_s"])
        prepare(DIRECTORY, first["host"])
        said.append(f"Python {sys.version.split()[0]}.")
    _came_with_the_package(console)
    enrol(console, DIRECTORY, {"name": PACKAGE, "ca": trust["ca"], "console_ca": trust["console_ca"] or authority})


def promised(url: str, sha256: str) -> bytes:
    """The join program of the console whose page said ``sha256``, from whoever answers, as by the line. Raises Stop."""
    program = Stranger(url).get(PROGRAM)
    if hashlib.sha256(program).hexdigest() != sha256.lower():
        raise Stop(OTHER_PROGRAM.format(url=url))
    return program


def verified(url: str, authority: str) -> bytes:
    """The join program of a console that its certificate proves, or that is on this machine. Raises Stop."""
    address = urlsplit(url)
    if address.scheme != "https" and address.hostname not in LOOPBACK:
        raise Stop(PLAIN.format(url=url))
    return HostConsole(url, "", authority).get(PROGRAM)


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
