"""The first contact with the Configuration Server, whatever carries it: with what, in which order, and what trouble
means. Small on purpose: a check loads nothing else of the server."""

import os
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from protocol import tls
from protocol.controls import FILE, NOT_LEADER, Controls
from protocol.identity import start_ticks
from protocol.lines import RefusedError, SilentError, StrangerError, UntoldError, UntrustedError, WireError
from protocol.message import Message
from protocol.opening_messages import ProcessFields
from protocol.server_messages import Configuration

from . import VERSION, log, system
from .exits import Exit, ExitCode

SECRET_FILE_VARIABLE = "PAIRWISE_APPLICATION_SECRET_FILE"
SECRET_FILE = "application.secret"
CA_FILE_VARIABLE = "PAIRWISE_CONSOLE_CA_FILE"
CA_FILE = "console-ca.pem"
TAKEOVER_S = 15.0
"""While a control answers that it does not lead, another one is about to; a start waits for it so long."""
ASK_AGAIN_S = 0.5

_REFUSALS = {3007: ExitCode.APPLICATION_NOT_FOUND, 6052: ExitCode.APPLICATION_NOT_FOUND, 3008: ExitCode.ALREADY_RUNNING}


@dataclass(frozen=True)
class Address:
    """Where the Configuration Server listens, and as which application we come; without a ``context`` it is dialled
    without TLS."""

    host: str
    port: int
    application: str
    context: ssl.SSLContext | None = None

    def controls(self, directory: Path | None = None) -> Controls:
        """This address, and those that a server with this working directory has learnt."""
        return Controls([(self.host, self.port)], directory / FILE if directory else None)


def read_secret(directory: Path) -> str:
    """The application's secret. Raises Exit when the file is missing, empty or open to others."""
    path = Path(os.environ.get(SECRET_FILE_VARIABLE) or directory / SECRET_FILE)
    try:
        with open(path, encoding="utf-8") as file:
            # Windows keeps access lists instead; these bits say nothing there.
            shared = not system.WINDOWS and os.fstat(file.fileno()).st_mode & 0o077
            secret = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise _unusable(f"The application's secret cannot be read from {path}: {reason}. Install the application "
                        f"again, or name the file in {SECRET_FILE_VARIABLE}.") from error
    if shared:
        raise _unusable(f"The secret in {path} can be read by others: run chmod 600 on it.")
    if not secret:
        raise _unusable(f"The secret file {path} is empty. Install the application again.")
    return secret


def control_context(directory: Path) -> ssl.SSLContext | None:
    """Verifies control by the authority that this host's agent names, else by the one beside the secret; None where
    there is none: control is without TLS. Raises Exit."""
    given = os.environ.get(CA_FILE_VARIABLE)
    beside = directory / CA_FILE
    if given == "" or (given is None and not beside.exists()):
        return None
    # The agent's own file is the newer one, but the account that this server logs on as may not reach it.
    path = Path(given) if given and (os.access(given, os.R_OK) or not beside.exists()) else beside
    try:
        return tls.client_context(path)
    except tls.TlsError as error:
        raise _unusable(f"The Configuration Server cannot be verified by {error}. Install the application again, or "
                        f"name the file of the console's authority in {CA_FILE_VARIABLE}.") from error


def _unusable(sentence: str) -> Exit:
    return Exit(ExitCode.USAGE, log.Event.APP_INIT_FAILED, sentence)


def introduction() -> ProcessFields:
    """The fields of Hello that name this process."""
    return {"version": VERSION, "host": socket.gethostname(), "pid": os.getpid(), "started": start_ticks(os.getpid())}


class Search:
    """For the control that leads: ``controls.current`` is the one to ask next."""

    def __init__(self, controls: Controls):
        self.controls = controls
        self._give_up_at = time.monotonic() + TAKEOVER_S
        self._troubles: list[Exit] = []

    def failed(self, error: Exception) -> float:
        """Seconds to wait before the next one is asked. Raises Exit with the code and event number that name the
        trouble."""
        host, port = self.controls.current
        trouble = trouble_of(error, f"{host}:{port}")
        if trouble.code is not ExitCode.NO_CONFIGURATION_SERVER:
            raise trouble from error
        self._troubles.append(trouble)
        if isinstance(error, RefusedError):
            self.controls.hear(error.controls)
        self.controls.failed()
        if len(self._troubles) < len(self.controls):
            return 0.0
        troubles, self._troubles = self._troubles, []
        if all(trouble.event != NOT_LEADER for trouble in troubles) or time.monotonic() > self._give_up_at:
            raise troubles[0] from error
        return ASK_AGAIN_S

    def found(self, message: Message) -> Configuration:
        """Take the first message of the control that leads. Raises Exit."""
        if not isinstance(message, Configuration):
            host, port = self.controls.current
            raise Exit(ExitCode.REFUSED, 6052, f"The Configuration Server at {host}:{port} sent {message.type} instead "
                       "of the configuration of the application.")
        self.controls.worked()
        self.controls.learn(message.application.get("controls"))
        return message


def trouble_of(error: Exception, where: str) -> Exit:
    """What the control at ``where`` was asked and did not grant, as the end of a start."""
    if isinstance(error, RefusedError):
        if error.event == NOT_LEADER:
            return Exit(ExitCode.NO_CONFIGURATION_SERVER, NOT_LEADER, f"The Configuration Server at {where} does not "
                        "lead, and none that does was found. Start the other one.")
        return Exit(_REFUSALS.get(error.event, ExitCode.REFUSED), error.event or log.Event.APP_INIT_FAILED, str(error))
    if isinstance(error, (StrangerError, UntoldError, UntrustedError)):
        return Exit(ExitCode.REFUSED, log.Event.CFG_NOT_FOUND,
                    f"The Configuration Server at {where} cannot be used: {error}.")
    return Exit(ExitCode.NO_CONFIGURATION_SERVER, log.Event.CFG_NOT_FOUND,
                f"No Configuration Server at {where}: {_absence(error)}, or correct -host and -port.")


def _absence(error: Exception) -> str:
    """Why nothing that answers as a Configuration Server is there, and the first thing to do about it."""
    if isinstance(error, SilentError):
        return f"{error}. It hangs, or another program listens there: look at it and restart it"
    if isinstance(error, WireError):
        return f"{error}. It is ending, or another program listens there: look at it and start it again"
    return f"{getattr(error, 'strerror', None) or 'no answer in time'}. Start it"
