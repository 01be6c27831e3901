"""The commands of a shell script or batch file as words, read without running anything.

Enough of both languages for files that start a server: quoting, comments, line continuation, plain variables, and
placeholders such as ``<application object name>``, which a shell would take for redirections.
"""

import re
from dataclasses import dataclass, field

PLACEHOLDER = re.compile(r"<[A-Za-z](?:[^<>\n]*[^<>\s])?>")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_REDIRECTION = re.compile(r"\d*(?:<<|>>|<&|>&|>\||<>|<|>)")
_ENDS_COMMAND = "\n;&|()"
_SPECIAL = "@*#?$!-0123456789"


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
class _Shell:
    """One pass over a POSIX shell script."""

    text: str
    at: int = 0
    variables: dict[str, Word] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    command: Command = field(default_factory=list)

    def read(self) -> list[Command]:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t\r":
                self.at += 1
            elif self.text.startswith("\\\n", self.at):
                self.at += 2
            elif char == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif char in _ENDS_COMMAND:
                self.at += 1
                self._end_command()
            elif redirection := _REDIRECTION.match(self.text, self.at):
                if PLACEHOLDER.match(self.text, self.at):
                    self.command.append(self._word())
                else:
                    self.at = redirection.end()
                    self._skip_target()
            else:
                self.command.append(self._word())
        self._end_command()
        return self.commands

    def _skip_target(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1
        if self.at < len(self.text) and self.text[self.at] not in _ENDS_COMMAND:
            self._word()

    def _end_command(self) -> None:
        if self.command:
            words = self.command[1:] if self.command[0].text == "export" else self.command
            found = [(match, word) for word in words if (match := _ASSIGNMENT.fullmatch(word.text))]
            if len(found) == len(words):
                self.variables |= {match[1]: Word(match[2], word.unknown) for match, word in found}
            self.commands.append(self.command)
        self.command = []

    def _word(self) -> Word:
        parts, unknown = [], False
        while self.at < len(self.text) and self.text[self.at] not in " \t\r>" + _ENDS_COMMAND:
            char = self.text[self.at]
            if char == "<":
                placeholder = PLACEHOLDER.match(self.text, self.at)
                if placeholder is None:
                    break
                parts.append(placeholder[0])
                self.at = placeholder.end()
            elif char == "'":
                parts.append(self._until("'"))
            elif char == '"':
                text, inner = self._double_quoted()
                parts.append(text)
                unknown |= inner
            elif char in "$`":
                word = self._expansion()
                parts.append(word.text)
                unknown |= word.unknown
            else:
                parts.append(self._plain())
        return Word("".join(parts), unknown)

    def _plain(self) -> str:
        """One character; a backslash takes the next one with it."""
        char = self.text[self.at]
        if char == "\\":
            self.at += 2
            taken = self.text[self.at - 1:self.at]
            return "" if taken == "\n" else taken
        self.at += 1
        return char

    def _until(self, quote: str) -> str:
        """The text up to the closing ``quote``, or to the end of the file."""
        end = self.text.find(quote, self.at + 1)
        end = len(self.text) if end < 0 else end
        found, self.at = self.text[self.at + 1:end], end + 1
        return found

    def _double_quoted(self) -> tuple[str, bool]:
        parts, unknown = [], False
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            char = self.text[self.at]
            if char == "\\" and self.text[self.at + 1:self.at + 2] in ('"', "\\", "$", "`", "\n"):
                parts.append(self._plain())
            elif char in "$`":
                word = self._expansion()
                parts.append(word.text)
                unknown |= word.unknown
            else:
                parts.append(char)
                self.at += 1
        self.at += 1
        return "".join(parts), unknown

    def _expansion(self) -> Word:
        """What stands at ``$`` or a backquote: a variable set above as its value, else as written and unknown."""
        start = self.at
        if self.text[start] == "`":
            self._until("`")
        elif self.text.startswith("$(", start):
            self._past_parentheses()
        elif self.text.startswith("${", start):
            end = self.text.find("}", start)
            self.at = len(self.text) if end < 0 else end + 1
            if (known := self.variables.get(self.text[start + 2:self.at - 1])) is not None:
                return known
        elif name := _NAME.match(self.text, start + 1):
            self.at = name.end()
            if name[0] in self.variables:
                return self.variables[name[0]]
        else:
            self.at += 2 if self.text[start + 1:start + 2] in tuple(_SPECIAL) else 1
            if self.at == start + 1:
                return Word("$")
        return Word(self.text[start:self.at], unknown=True)

    def _past_parentheses(self) -> None:
        depth = 0
        self.at += 1
        while self.at < len(self.text):
            depth += {"(": 1, ")": -1}.get(self.text[self.at], 0)
            self.at += 1
            if depth == 0:
                return


def shell_commands(text: str) -> list[Command]:
    """The simple commands of a POSIX shell script, in order; redirections and comments left out."""
    return _Shell(text.replace("\r\n", "\n")).read()


_BATCH_PART = re.compile(
    r"(?P<placeholder><[A-Za-z](?:[^<>\n]*[^<>\s])?>)|(?P<quoted>\"(?:[^\"]|\"\")*\"?)|(?P<percent>%%)"
    r"|(?P<variable>%~?[A-Za-z0-9_*][^%\s]*%|%~?[a-z]*[0-9*])|(?P<caret>\^.)|(?P<end>[&|()])"
    r"|(?P<redirection>\d?[<>]+&?\s*\S*)|(?P<blank>\s+)|(?P<plain>.)")


def batch_commands(text: str) -> list[Command]:
    """The commands of a Windows batch file, in order; remarks and labels left out."""
    commands, variables = [], {}
    for line in re.sub(r"\^\r?\n", " ", text).splitlines():
        line = line.strip().lstrip("@")
        if line[:1] == ":" or re.match(r"rem\b", line, re.IGNORECASE):
            continue
        if setting := re.fullmatch(r"set\s+\"?([A-Za-z_]\w*)=([^\"]*)\"?", line, re.IGNORECASE):
            variables[setting[1].lower()] = setting[2]
            continue
        commands += _batch_line(line, variables)
    return commands


def _batch_line(line: str, variables: dict[str, str]) -> list[Command]:
    commands, command, parts, unknown = [], [], None, False
    for match in [*_BATCH_PART.finditer(line), None]:
        kind = (match.lastgroup or "") if match else "end"
        if match is None or kind in ("blank", "end", "redirection"):
            if parts is not None:
                command.append(Word("".join(parts), unknown))
            parts, unknown = None, False
            if kind == "end" and command:
                commands.append(command)
                command = []
            continue
        text, is_unknown = _batch_text(kind, match[0], variables)
        parts, unknown = [*(parts or []), text], unknown or is_unknown
    return commands


def _batch_text(kind: str, text: str, variables: dict[str, str]) -> tuple[str, bool]:
    if kind == "quoted":
        inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
        found = [_batch_text(part.lastgroup, part[0], variables) if part.lastgroup in ("percent", "variable")
                 else (part[0], False) for part in _BATCH_PART.finditer(inner.replace('""', "\0"))]
        return "".join(each for each, _ in found).replace("\0", '"'), any(unknown for _, unknown in found)
    if kind == "percent":
        return "%", False
    if kind == "variable":
        value = variables.get(text.strip("%").lower())
        return (text, True) if value is None else (value, False)
    return (text[1:], False) if kind == "caret" else (text, False)
