"""Which of ``-host``, ``-port`` and ``-app`` a start file passes to the server, and whether they are right. Pure."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from .startwords import Command, Word, batch_commands, shell_commands

NAMES = ("-host", "-port", "-app")
RIGHT, MISSING, DIFFERENT, PLACEHOLDER, UNKNOWN = "right", "missing", "different", "placeholder", "unknown"
STATES = (RIGHT, UNKNOWN, DIFFERENT, PLACEHOLDER, MISSING)
"""From best to worst; of several commands that start the server the worst counts."""
_PROGRAM = re.compile(r"(?:.*/)?MessageServer(?:_32|_64)?", re.DOTALL)
_PROGRAM_ON_WINDOWS = re.compile(r"(?:.*[\\/])?MessageServer(?:\.exe)?", re.IGNORECASE | re.DOTALL)
_BEFORE = re.compile(r"exec|nohup|env|command|time|nice|setsid|start|call|if|then|elif|else|while|do|!|\{|"
                     r"[A-Za-z_]\w*=.*|[-/].*|\d+|", re.IGNORECASE | re.DOTALL)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Parameter:
    """``found`` is "" when it is missing; ``state`` is one of STATES."""

    name: str
    expected: str
    found: str
    state: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def start_parameters(text: str, expected: dict[str, str], *, batch: bool = False) -> list[Parameter] | None:
    """The three parameters as ``text`` (of run.sh, or of a batch file) passes them, against ``expected``
    ({"-host": ...}); None when no command in it starts a MessageServer."""
    read, program = (batch_commands, _PROGRAM_ON_WINDOWS) if batch else (shell_commands, _PROGRAM)
    starts = [arguments for command in read(text) if (arguments := _arguments(command, program)) is not None]
    if not starts:
        return None
    judged = [{name: _judge(name, expected[name], _value(arguments, name)) for name in NAMES} for arguments in starts]
    return [max((one[name] for one in judged), key=lambda parameter: STATES.index(parameter.state)) for name in NAMES]


def sentence(parameter: Parameter) -> str:
    """What is wrong with it, "" when nothing is."""
    name, found, expected = parameter.name, parameter.found, parameter.expected
    return {
        RIGHT: "", MISSING: f"{name} is missing; it should be {expected}.",
        DIFFERENT: f"{name} is {found}; it should be {expected}.",
        PLACEHOLDER: f"{name} still holds the placeholder {found}; it should be {expected}.",
        UNKNOWN: f"{name} is {found}, which is known only when the file runs; it should be {expected}.",
    }[parameter.state]


def _arguments(command: Command, program: re.Pattern[str]) -> Command | None:
    """The words after the program, None when the command starts something else."""
    for index, word in enumerate(command):
        if program.fullmatch(word.text):
            return command[index + 1:]
        if not _BEFORE.fullmatch(word.text):
            return None
    return None


def _value(arguments: Command, name: str) -> Word | None:
    """What follows ``name`` (or ``name=``); the last one counts, as for the server itself."""
    value = None
    for index, word in enumerate(arguments):
        if word.text == name:
            following = arguments[index + 1] if index + 1 < len(arguments) else None
            value = following if following and following.text[:1] != "-" else None
        elif word.text.startswith(f"{name}="):
            value = Word(word.text[len(name) + 1:], word.unknown)
    return value


def _judge(name: str, expected: str, word: Word | None) -> Parameter:
    if word is None or not word.text:
        return Parameter(name, expected, "", MISSING)
    if word.is_placeholder and word.text != expected:
        state = PLACEHOLDER
    elif word.unknown:
        state = UNKNOWN
    else:
        state = RIGHT if _same(name, word.text, expected) else DIFFERENT
    return Parameter(name, expected, word.text, state)


def _same(name: str, found: str, expected: str) -> bool:
    if name == "-host":
        found, expected = found.casefold(), expected.casefold()
        return found == expected or {found, expected} <= _LOOPBACK
    if name == "-port" and found.isascii() and found.isdigit():
        return int(found) == int(expected)
    return found == expected
