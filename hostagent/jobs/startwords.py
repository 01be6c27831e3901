"""The commands of a shell script or batch file as words, read without running anything.

Enough of both languages for files that start a server: quoting, comments, line continuation, plain variables, and
placeholders such as ``<application object name>``, which a shell would take for redirections. ``shlex`` knows neither
those nor which words a variable stands in. What is not known here is unknown, never taken for something else.
"""

import re
from dataclasses import dataclass, field

_PLACEHOLDER = r"<[A-Za-z](?:[^<>\n]*[^<>\s])?>"
PLACEHOLDER = re.compile(_PLACEHOLDER)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_BEFORE_A_WORD = re.compile(r"#[^\n]*|\d+(?=[<>])")
"""A comment, or the number of the file that is redirected."""
_EXPANSION = (r"`[^`]*`?|\$\((?:[^()]|\((?:[^()]|\([^()]*+\))*+\))*+\)?|\$\{[^}]*\}?|\$[A-Za-z_][A-Za-z0-9_]*"
              r"|\$[@*#?$!0-9-]")
_SHELL_PART = re.compile(
    rf"(?P<joint>\\\n)|(?P<blank>[ \t\r]+)|(?P<placeholder>{_PLACEHOLDER})|(?P<redirection><<|>>|<&|>&|>\||<>|<|>)"
    rf"|(?P<end>[\n;&|()])|(?P<single>'[^']*'?)|(?P<double>\"(?:\\.|{_EXPANSION}|[^\"\\])*\"?)"
    rf"|(?P<expansion>{_EXPANSION})|(?P<escape>\\.?)|(?P<plain>.)", re.DOTALL)
_IN_DOUBLE = re.compile(rf"(?P<expansion>{_EXPANSION})|(?P<escape>\\[\"\\$`\n])|(?P<plain>.)", re.DOTALL)
_BATCH_PART = re.compile(
    rf"(?P<placeholder>{_PLACEHOLDER})|(?P<quoted>\"(?:[^\"]|\"\")*\"?)|(?P<percent>%%)"
    r"|(?P<variable>%~?[A-Za-z0-9_*][^%\s]*%|%~?[a-z]*[0-9*])|(?P<caret>\^.)|(?P<end>[&|()])"
    r"|(?P<redirection>\d?[<>]+&?\s*\S*)|(?P<blank>\s+)|(?P<plain>.)")


@dataclass(frozen=True)
class Word:
    """``unknown``: part of it is known only when the file runs; ``text`` then holds that part as it is written."""

    text: str
    unknown: bool = False

    @property
    def is_placeholder(self) -> bool:
        return "<" in self.text and PLACEHOLDER.search(self.text) is not None


Command = list[Word]


@dataclass
class _Commands:
    """Grows by parts of words. ``drops``: the word that comes next is where a redirection goes."""

    done: list[Command] = field(default_factory=list)
    command: Command = field(default_factory=list)
    parts: list[Word] = field(default_factory=list)
    drops: bool = False

    def end_word(self) -> None:
        if self.parts and not self.drops:
            self.command.append(_joined(self.parts))
        self.drops = self.drops and not self.parts
        self.parts = []

    def end(self) -> None:
        self.end_word()
        if self.command:
            self.done.append(self.command)
        self.command, self.drops = [], False


def _joined(parts: list[Word]) -> Word:
    return Word("".join(part.text for part in parts), any(part.unknown for part in parts))


def shell_commands(text: str) -> list[Command]:
    """The simple commands of a POSIX shell script, in order; redirections and comments left out."""
    found = _Commands()
    variables: dict[str, Word] = {}
    text, at = text.replace("\r\n", "\n"), 0
    while at < len(text):
        match = (None if found.parts else _BEFORE_A_WORD.match(text, at)) or _SHELL_PART.match(text, at)
        assert match, "its last part is any character"
        kind, at = match.lastgroup, match.end()
        if kind == "redirection":
            found.end_word()
            found.drops = True
        elif kind == "blank":
            found.end_word()
        elif kind == "end":
            _end_shell_command(found, variables)
        elif kind not in (None, "joint"):
            found.parts.append(_shell_part(kind, match[0], variables))
    _end_shell_command(found, variables)
    return found.done


def _end_shell_command(found: _Commands, variables: dict[str, Word]) -> None:
    """What only sets variables sets them for the commands that follow."""
    found.end_word()
    words = found.command[1:] if found.command and found.command[0].text == "export" else found.command
    settings = [(match, word) for word in words if (match := _ASSIGNMENT.fullmatch(word.text))]
    if len(settings) == len(words):
        variables |= {match[1]: Word(match[2], word.unknown) for match, word in settings}
    found.end()


def _shell_part(kind: str | None, text: str, variables: dict[str, Word]) -> Word:
    if kind == "single":
        return Word(text[1:].removesuffix("'"))
    if kind == "double":
        inner = text[1:-1] if _is_closed(text) else text[1:]
        return _joined([_shell_part(part.lastgroup, part[0], variables) for part in _IN_DOUBLE.finditer(inner)])
    if kind == "expansion":
        return variables.get(text.strip("${}"), Word(text, unknown=True))
    if kind == "escape":
        return Word(text[1:].replace("\n", ""))
    return Word(text)


def _is_closed(quoted: str) -> bool:
    return len(quoted) > 1 and quoted.endswith('"')


def batch_commands(text: str) -> list[Command]:
    """The commands of a Windows batch file, in order; remarks and labels left out."""
    found, variables = _Commands(), {}
    for line in re.sub(r"\^\r?\n", " ", text).splitlines():
        line = line.strip().lstrip("@")
        if line[:1] == ":" or re.match(r"rem\b", line, re.IGNORECASE):
            continue
        if setting := re.fullmatch(r"set\s+\"?([A-Za-z_]\w*)=([^\"]*)\"?", line, re.IGNORECASE):
            variables[setting[1].lower()] = setting[2]
            continue
        for match in _BATCH_PART.finditer(line):
            if match.lastgroup == "end":
                found.end()
            elif match.lastgroup in ("blank", "redirection"):
                found.end_word()
            else:
                found.parts.append(_batch_part(match.lastgroup, match[0], variables))
        found.end()
    return found.done


def _batch_part(kind: str | None, text: str, variables: dict[str, str]) -> Word:
    if kind == "quoted":
        inner = text[1:-1] if _is_closed(text) else text[1:]
        found = _joined([_batch_part(part.lastgroup, part[0], variables) if part.lastgroup in ("percent", "variable")
                         else Word(part[0]) for part in _BATCH_PART.finditer(inner.replace('""', "\0"))])
        return Word(found.text.replace("\0", '"'), found.unknown)
    if kind == "percent":
        return Word("%")
    if kind == "variable":
        value = variables.get(text.strip("%").lower())
        return Word(text, unknown=True) if value is None else Word(value)
    return Word(text[1:] if kind == "caret" else text)
