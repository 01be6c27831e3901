"""How a Message Server is started: what an installation says of it, and what the console expects it to say. Pure."""

import re

PROGRAM = "MessageServer"
COMMAND_LINE = f"./{PROGRAM}"
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
