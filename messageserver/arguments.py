"""The command line: ``MessageServer -host H -port P -app NAME [-workdir DIRECTORY] [-check] [-service NAME] [-V]``.

Read without argparse, whose loading took a tenth of a start.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import VERSION
from .exits import ExitCode

_WITH_VALUE = {"-host": "HOST", "-port": "PORT", "-app": "NAME", "-workdir": "DIRECTORY", "-service": "NAME"}
_REQUIRED = ("-host", "-port", "-app")
USAGE = "usage: MessageServer -host HOST -port PORT -app NAME [-workdir DIRECTORY] [-check] [-service NAME] [-V]"
HELP = f"""{USAGE}

  -host HOST          host of the Configuration Server
  -port PORT          its port for clients
  -app NAME           exact name of the Application object
  -workdir DIRECTORY  working directory (default: the current one)
  -check              only read the configuration, print one line and end
  -service NAME       run as the Windows service of this name
  -V                  print the version and end
  -h                  print this and end"""

_TELLS = {"-V": f"MessageServer {VERSION}", "-h": HELP, "--help": HELP}


@dataclass(frozen=True)
class Given:
    """What was given, with the defaults of what was not."""

    host: str
    port: int
    app: str
    workdir: Path = Path(".")
    check: bool = False
    service: str = ""


class Wrong(Exception):
    """The command line cannot be used. The text says why."""


def parse(words: list[str]) -> Given:
    """Ends the process: after -V and -h, and with ExitCode.USAGE when something is wrong."""
    try:
        return _read(words)
    except Wrong as error:
        print(f"{USAGE}\nMessageServer: {error}", file=sys.stderr)
        raise SystemExit(ExitCode.USAGE) from None


def _read(words: list[str]) -> Given:
    values: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name, has_value, value = word.partition("=")
        if word in _TELLS:
            print(_TELLS[word])
            raise SystemExit(ExitCode.OK)
        if word == "-check":
            values["check"] = True
        elif name in _WITH_VALUE:
            # Whatever the next word is: an application may be called -V.
            values[name[1:]] = value if has_value else next(rest, None)
            if values[name[1:]] is None:
                raise Wrong(f"argument {name}: expected one argument, {_WITH_VALUE[name]}")
        else:
            raise Wrong(f"{word!r} is no argument of it")
    if missing := [name for name in _REQUIRED if name[1:] not in values]:
        raise Wrong(f"the following arguments are required: {', '.join(missing)}")
    values["port"] = _port(values["port"])
    if "workdir" in values:
        values["workdir"] = Path(values["workdir"])
    return Given(**values)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise Wrong(f"argument -port: {text!r} is no port number from 1 to 65535")
    return int(text)
