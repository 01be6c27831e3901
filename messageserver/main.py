"""The command line: ``MessageServer -host H -port P -app NAME [-workdir DIRECTORY] [-check] [-service NAME] [-V]``."""

import argparse
import asyncio
import contextlib
import gc
import os
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

from . import VERSION, system
from .exits import Exit, ExitCode
from .link import Address, control_context, first_contact, read_secret
from .log import Event, code
from .ownership import Held
from .server import Server

SWITCH_INTERVAL_S = 0.0005
"""How long the event loop may keep the interpreter from the store's thread; each commit waits for that."""
COLLECT_EVERY = 20_000
"""Objects that pile up before the collector looks for cycles. The messages under way are thousands of objects and no
cycles; Python's own 700 made it walk them again and again."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        self.print_usage(sys.stderr)
        print(f"MessageServer: {message}", file=sys.stderr)
        raise SystemExit(ExitCode.USAGE)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line as a namespace; ends the process with ExitCode.USAGE when it is wrong."""
    parser = _Parser(prog="MessageServer", allow_abbrev=False)
    parser.add_argument("-host", required=True, help="host of the Configuration Server")
    parser.add_argument("-port", required=True, type=_port, help="its port for clients")
    parser.add_argument("-app", required=True, help="exact name of the Application object")
    parser.add_argument("-workdir", type=Path, default=Path("."), help="working directory (default: the current one)")
    parser.add_argument("-check", action="store_true", help="only read the configuration, print one line and end")
    parser.add_argument("-service", default="", metavar="NAME", help="run as the Windows service of this name")
    parser.add_argument("-V", action="version", version=f"MessageServer {VERSION}", help="print the version and end")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port number from 1 to 65535")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Run the server, or the check; the exit code."""
    given = parse(sys.argv[1:] if arguments is None else arguments)
    system.allow_many_connections()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(COLLECT_EVERY)
    return _as_service(given) if given.service else _run(given)


def _as_service(given: argparse.Namespace) -> int:
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


def _run(given: argparse.Namespace, stop: threading.Event | None = None) -> int:
    """Run the server until somebody asks it to end, or ``stop`` is set; the exit code."""
    address = Address(given.host, given.port, given.app)
    try:
        directory = given.workdir.resolve()
        if not directory.is_dir():
            raise Exit(ExitCode.USAGE, Event.APP_INIT_FAILED,
                       f"The working directory {directory} does not exist. Correct -workdir.")
        secret = read_secret(directory)
        address = replace(address, context=control_context(directory))
        with _runner() as runner:
            return runner.run(_check(address, secret) if given.check else _serve(address, secret, directory, stop))
    except Exit as error:
        # The server has logged its own; here are those from before there was a log.
        if error.code is ExitCode.USAGE or given.check:
            print(f"{code(error.event)} {error}", file=sys.stderr, flush=True)
        return error.code


def _runner() -> asyncio.Runner:
    with contextlib.suppress(ImportError):
        import uvloop

        return asyncio.Runner(loop_factory=uvloop.new_event_loop)
    return asyncio.Runner()


async def _check(address: Address, secret: str) -> int:
    channel, configuration = await first_contact(address, secret, Held(), purpose="check", controls=address.controls())
    await channel.close()
    ports = len(configuration.application.get("ports") or [])
    print(f"The Configuration Server at {address.host}:{address.port} knows {address.application}: {ports} listening "
          "ports.", flush=True)
    return ExitCode.OK


async def _serve(address: Address, secret: str, directory: Path, stop: threading.Event | None) -> int:
    os.umask(0o027)
    server = Server(address, secret, directory)
    if stop is not None:
        threading.Thread(target=_stop_with, args=(stop, asyncio.get_running_loop(), server), daemon=True).start()
    await server.run()
    return ExitCode.OK


def _stop_with(stop: threading.Event, loop: asyncio.AbstractEventLoop, server: Server) -> None:
    stop.wait()
    with contextlib.suppress(RuntimeError):  # it has ended by itself in the meantime
        loop.call_soon_threadsafe(server.stop)
