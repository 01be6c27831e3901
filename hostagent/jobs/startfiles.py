"""The files that start a server by hand."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from protocol.start_line import arguments_of

_NO_SERVICE_NAME = re.compile(r'[\\/"%]')


def run_sh(host: str, port: int, application: str) -> str:
    return ('#!/bin/sh\n'
            # A CDPATH of whoever types it leads elsewhere; a path may begin with "-".
            'CDPATH= cd -- "$(dirname -- "$0")" || exit 1\n'
            f"exec ./MessageServer {shlex.join(arguments_of(host, port, application))}\n")


def start_server_bat(host: str, port: int, application: str) -> str:
    # In a batch file % starts a variable, and a quote inside quotes is written twice.
    name = application.replace("%", "%%").replace('"', '""')
    return ("@echo off\r\n"
            'cd /d "%~dp0"\r\n'
            f'MessageServer.exe -host {host} -port {port} -app "{name}"\r\n')


def install_service_bat(host: str, port: int, application: str) -> str:
    """Makes the server a Windows service, or brings one up to date; Windows restarts it when it fails."""
    service = _NO_SERVICE_NAME.sub("_", application)
    name = application.replace("%", "%%").replace('"', '\\\\\\"')
    return ("@echo off\r\n"
            f"rem Run as Administrator. Undo with: sc stop \"{service}\" and sc delete \"{service}\"\r\n"
            "set VERB=create\r\n"
            f'sc query "{service}" >nul 2>&1 && set VERB=config\r\n'
            f'sc %VERB% "{service}" start= auto DisplayName= "Message Server {service}" binPath= '
            f'"\\"%~dp0MessageServer.exe\\" -host {host} -port {port} -app \\"{name}\\" '
            f'-workdir \\"%~dp0.\\" -service \\"{service}\\""\r\n'
            "if errorlevel 1 exit /b 1\r\n"
            f'sc failure "{service}" reset= 86400 actions= restart/1000/restart/2000/restart/5000\r\n'
            f'sc failureflag "{service}" 1\r\n')


@dataclass(frozen=True)
class StartFile:
    """A file that starts the server. ``text`` makes its content of (host, port, application)."""

    name: str
    text: Callable[[str, int, str], str]
    mode: int
    batch: bool = False


START_FILES = (StartFile("run.sh", run_sh, 0o750), StartFile("startServer.bat", start_server_bat, 0o640, batch=True))
"""What Install writes and the check compares; the first is the one of this system."""
SERVICE_FILE = StartFile("installService.bat", install_service_bat, 0o640, batch=True)
"""What Install writes besides: it starts nothing by itself."""
