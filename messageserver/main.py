"""What the command line asks for: run the server, as a Windows service too, or only check its configuration."""

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from protocol.events import written

from .arguments import Given, parse
from .check import check
from .contact import Address, control_context, read_secret
from .exits import Exit, ExitCode
from .log import Event
from .system import outlive_terminal, show_as

if TYPE_CHECKING:
    import threading

PROGRAM = "MessageServer"


def main(arguments: list[str] | None = None) -> int:
    """Run the server, or the check; the exit code."""
    given = parse(sys.argv[1:] if arguments is None else arguments)
    return _as_service(given) if given.service else _run(given)


def _as_service(given: Given) -> int:
    """Let Windows start and stop it; the exit code."""
    from . import service  # ctypes is of no use to the others

    try:
        one = service.Service(given.service, partial(_run, given), service.manager())
    except OSError as error:
        print(f"MessageServer: -service {given.service}: {error}.", file=sys.stderr)
        return ExitCode.USAGE
    if not one.dispatch():
        print(f"MessageServer: -service {given.service} is for the Service Control Manager. Start the service "
              f'(sc start "{given.service}"), or leave -service out.', file=sys.stderr)
        return ExitCode.USAGE
    return one.exit_code


def _run(given: Given, stop: "threading.Event | None" = None) -> int:
    """Run the server until somebody asks it to end, or ``stop`` is set; the exit code."""
    address = Address(given.host, given.port, given.app)
    try:
        directory = given.workdir.resolve()
        if not directory.is_dir():
            raise Exit(ExitCode.USAGE, Event.APP_INIT_FAILED,
                       f"The working directory {directory} does not exist. Correct -workdir.")
        secret = read_secret(directory)
        address = replace(address, context=control_context(directory))
        if given.check:
            return check(address, secret)
        outlive_terminal()
        # What the launcher became is a Python.
        show_as(PROGRAM)
        from .loop import serve  # with it comes everything that a check does without

        return serve(address, secret, directory, stop)
    except Exit as error:
        # The server has logged its own; here are those from before there was a log.
        if error.code is ExitCode.USAGE or given.check:
            print(f"{written(error.event)} {error}", file=sys.stderr, flush=True)
        return error.code
