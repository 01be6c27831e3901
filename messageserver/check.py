"""``-check``: can this program, as this account, read its configuration from here? Nothing is kept or served."""

import contextlib
import time

from protocol.socket_line import dial

from .contact import Address, Search, introduction
from .exits import ExitCode


def check(address: Address, secret: str) -> int:
    """Ask once, print one line; the exit code. Raises Exit."""
    search = Search(address.controls())
    while True:
        try:
            with contextlib.closing(dial(*search.controls.current, kind="application", name=address.application,
                                         secret=secret, context=address.context, purpose="check",
                                         **introduction())) as line:
                message = line.receive()
        except OSError as error:
            time.sleep(search.failed(error))
            continue
        configuration = search.found(message)
        ports = len(configuration.application.get("ports") or [])
        print(f"The Configuration Server at {address.host}:{address.port} knows {address.application}: {ports} "
              "listening ports.", flush=True)
        return ExitCode.OK
