"""What the Installation Package carries for Windows: the launcher, the batch file, the service definition. Not shipped
itself; nothing of it needs Windows to be made."""

import io
import zipfile

PYTHON = b"#!/usr/bin/env python\r\n"
"""Read by the launcher: the Python that is found on PATH."""
MADE = (2026, 11, 22, 0, 0, 0)
"""Time of the files inside, so that the same sources give the same bytes."""
PROGRAM = "MessageServer.exe"

STARTER = '''"""Starts the Message Server that lies beside this program."""

import os
import sys

if sys.version_info < (3, 11):
    sys.stderr.write("00-05062 MessageServer needs Python 3.11 or newer; this is %s.\\n" % sys.version.split()[0])
    sys.exit(8)

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(sys.path[0])), "lib.zip")

from messageserver.main import main  # noqa: E402 - older interpreters cannot read it

sys.exit(main())
'''

PLACEHOLDERS = '-host <Configuration Server host> -port <Configuration Server port> -app "<Application name>"'
START = ("@echo off\r\n"
         "rem Install writes this file with the arguments of the Application. By hand: put them in.\r\n"
         'cd /d "%~dp0"\r\n'
         f"{PROGRAM} {PLACEHOLDERS}\r\n")
SERVICE = ("@echo off\r\n"
           "echo Install writes this file with the arguments of the Application; this one still has to be written.\r\n"
           "exit /b 1\r\n")


def launcher(program: bytes) -> bytes:
    """MessageServer.exe: ``program`` (a launcher for 64-bit Windows), the line that says which Python, and a zip with
    what Python runs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py", MADE), STARTER)
    return program + PYTHON + packed.getvalue()
