"""Where a console that is a service has what, and which files of a checkout it consists of."""

import os
from collections.abc import Iterator
from pathlib import Path

from protocol.names import CONSOLE_ACCOUNT, CONSOLE_DATA

CHECKOUT = Path(__file__).resolve().parents[2]
"""The files that this program itself is one of: a checkout, or what was installed from one."""
ACCOUNT = CONSOLE_ACCOUNT
PROGRAM = Path("/opt/pairwise")
ENVIRONMENT = PROGRAM / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
DATA = Path(CONSOLE_DATA)
SHARED = Path("/srv/pairwise")
"""Where several machines of a console may share packages; the unit lets it be written."""
CONFIGURATION = Path("/etc/pairwise")
SETTINGS = CONFIGURATION / "console.env"
UNIT = "pairwise-console.service"
UNITS = Path("/etc/systemd/system")
UNITS_OF_PACKAGES = Path("/lib/systemd/system")
COMMAND = "pairwise"
COMMANDS, COMMANDS_OF_PACKAGES = Path("/usr/local/bin"), Path("/usr/bin")

UNIT_SOURCE = CHECKOUT / "deploy" / UNIT
SETTINGS_SOURCE = CHECKOUT / "deploy" / "console.env"
COMMAND_SOURCE = CHECKOUT / "deploy" / COMMAND

FOLDERS = ("api", "client", "console", "control", "deploy", "docs", "hostagent", "messageserver", "protocol",
           "provisioning", "static", "templates")
FILES = ("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "manage.py")
NOT_SHIPPED = frozenset({"__pycache__", "secrets"})
"""Names of folders; nor is anything that begins with a dot, as deploy/.env."""


def program_files(checkout: Path = CHECKOUT) -> Iterator[tuple[str, Path]]:
    """(path below PROGRAM, file) of all that the console runs from, in an order that is always the same."""
    for name in FILES:
        yield name, checkout / name
    for folder in FOLDERS:
        for place, folders, files in os.walk(checkout / folder):
            folders[:] = sorted(name for name in folders if name not in NOT_SHIPPED and not name.startswith("."))
            for name in sorted(files):
                if not name.startswith(".") and not name.endswith(".pyc"):
                    file = Path(place) / name
                    yield file.relative_to(checkout).as_posix(), file
