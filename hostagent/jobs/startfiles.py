"""The files that start a server by hand, and the arguments the console fills in."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def arguments_of(host: str, port: int, application: str) -> list[str]:
    """The three arguments every server takes, as a list."""
    return ["-host", host, "-port", str(port), "-app", application]


def command_line_arguments(host: str, port: int, application: str) -> str:
    """The same as one line for Command Line Arguments; a name with blanks in double quotes, as in the guide."""
    return " ".join(_double_quoted(word) for word in arguments_of(host, port, application))


def _double_quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def run_sh(host: str, port: int, application: str) -> str:
    return ('#!/bin/sh\n'
            'cd "$(dirname "$0")" || exit 1\n'
            f"exec ./MessageServer {shlex.join(arguments_of(host, port, application))}\n")


def start_server_bat(host: str, port: int, application: str) -> str:
    # In a batch file % starts a variable, and a quote inside quotes is written twice.
    name = application.replace("%", "%%").replace('"', '""')
    return ("@echo off\r\n"
            'cd /d "%~dp0"\r\n'
            f'MessageServer.exe -host {host} -port {port} -app "{name}"\r\n')


@dataclass(frozen=True)
class StartFile:
    """A file that starts the server. ``text`` makes its content of (host, port, application)."""

    name: str
    text: Callable[[str, int, str], str]
    mode: int
    batch: bool = False


START_FILES = (StartFile("run.sh", run_sh, 0o750), StartFile("startServer.bat", start_server_bat, 0o640, batch=True))
"""What Install writes; the first is the one of this system."""
