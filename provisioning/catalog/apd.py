"""Application Template files (``.apd``): our own text format, read and written here.

UTF-8, INI-like::

    [template]
    name = Message_Server
    type = MessageServer
    version = 8.5.100.01
    format = 1

    [port:default]
    port = 7001
    protocol = stomp
    ha_sync = false
    description = Clients

    [option:log]
    ; How much is logged.
    ; Valid Values: all, standard, none
    verbose = standard

Lines that begin with ``;`` or ``#`` are comments; a block of them directly above a key of an option section is the
help of that option, and its line ``Valid Values:`` what the option may be set to (``valid_values``). A section without
keys takes any key. Everything is bounded, and every fault is a sentence with its line number.
"""

import re

from provisioning.drafts import TemplateDraft
from provisioning.models.applications import PORT_MAX, PORT_MIN, is_secret_option
from provisioning.states import FORMER_TYPES, ApplicationType

from .valid_values import read_valid_values

MAX_BYTES, MAX_LINE, MAX_ENTRIES, FORMAT = 256 * 1024, 9000, 2000, "1"
_SECTION = re.compile(r"\[([^\[\]]+)\]\Z")
_TEMPLATE_KEYS = ("name", "type", "version", "format")
_PORT_KEYS = ("port", "protocol", "ha_sync", "description")
_VALID = "Valid Values:"
_YES, _NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off", "")


class TemplateFileError(ValueError):
    """The file is no Application Template. The text is a sentence; ``line`` is the line number, 0 for the whole."""

    def __init__(self, message: str, line: int = 0):
        super().__init__(f"Line {line}: {message}" if line else message)
        self.line = line


def read_template(content: bytes, *, file_name: str = "") -> TemplateDraft:
    """The template that an .apd file describes. Raises TemplateFileError."""
    if len(content) > MAX_BYTES:
        raise TemplateFileError(f"The file has {len(content)} bytes; an Application Template has at most {MAX_BYTES}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateFileError("The file is not UTF-8 text. Is it an Application Template (.apd)?",
                                content.count(b"\n", 0, error.start) + 1) from None
    parser = _Parser(file_name)
    for number, line in enumerate(text.split("\n"), 1):
        parser.line(number, line.rstrip("\r"))
    return parser.result()


class _Parser:
    def __init__(self, file_name: str):
        self.file_name = file_name
        self.template: dict[str, tuple[str, int]] = {}
        self.ports: dict[str, dict] = {}
        self.options: dict[str, dict[str, dict[str, str]]] = {}
        self.kind, self.section, self.entries = "", "", 0
        self.help: list[str] = []

    def line(self, number: int, raw: str) -> None:
        text = raw.strip()
        if len(raw) > MAX_LINE:
            raise TemplateFileError(f"The line has {len(raw)} characters; {MAX_LINE} fit.", number)
        if any(ord(c) < 32 and c != "\t" for c in raw):
            raise TemplateFileError("The line holds a control character. Is it an Application Template (.apd)?", number)
        if text.startswith((";", "#")):
            self.help.append(text[1:].strip())
        elif text.startswith("["):
            self._open(number, text)
            self.help = []
        elif text:
            self._entry(number, text)
            self.help = []
        else:
            self.help = []

    def _open(self, number: int, text: str) -> None:
        match = _SECTION.match(text)
        if match is None:
            raise TemplateFileError(f'"{text[:60]}" is no section. Write [template], [port:ID] or [option:SECTION].',
                                    number)
        kind, colon, name = match[1].partition(":")
        if (kind == "template") == bool(colon) or kind not in ("template", "port", "option") or name != name.strip() \
                or (colon and not name):
            raise TemplateFileError(f"[{match[1][:60]}] is unknown. Write [template], [port:ID] or [option:SECTION].",
                                    number)
        if (kind == "port" and name in self.ports) or (kind == "option" and name in self.options) or (
                kind == "template" and self.template):
            raise TemplateFileError(f"[{match[1]}] is there twice. Join the two.", number)
        if kind == "port":
            self.ports[name] = {"id": name, "port": None, "protocol": "", "ha_sync": False, "description": ""}
        elif kind == "option":
            self.options[name] = {}
        self.kind, self.section = kind, name
        self._count(number)

    def _count(self, number: int) -> None:
        self.entries += 1
        if self.entries > MAX_ENTRIES:
            raise TemplateFileError(f"The file has more than {MAX_ENTRIES} sections and entries.", number)

    def _entry(self, number: int, text: str) -> None:
        key, equals, value = text.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key:
            raise TemplateFileError(f'"{text[:60]}" is neither a section, a comment nor "key = value".', number)
        if not self.kind:
            raise TemplateFileError(f'"{key}" stands before the first section. Begin with [template].', number)
        self._count(number)
        if self.kind == "template":
            self._template_entry(number, key, value)
        elif self.kind == "port":
            self._port_entry(number, key, value)
        elif key in self.options[self.section]:
            raise TemplateFileError(f'"{key}" is there twice in [option:{self.section}]. Keep one.', number)
        else:
            if value and is_secret_option(self.section, key):
                raise TemplateFileError(f'[{self.section}] {key} is a secret, and everybody who signs in can read a '
                                        "template. Leave its value empty here; it is typed for each application.",
                                        number)
            self.options[self.section][key] = self._option(number, value)

    def _option(self, number: int, value: str) -> dict[str, str]:
        said = [line for line in self.help if not line.startswith(_VALID)]
        option = {"value": value, "help": " ".join(filter(None, said))}
        for line in self.help:
            if line.startswith(_VALID):
                option["valid"] = line.removeprefix(_VALID).strip()
        try:
            if not read_valid_values(option.get("valid", "")).allow(value):
                raise ValueError(f'the default "{value[:40]}" is none of them.')
        except ValueError as error:
            raise TemplateFileError(f"{_VALID} {error}", number) from None
        return option

    def _template_entry(self, number: int, key: str, value: str) -> None:
        if key not in _TEMPLATE_KEYS:
            raise TemplateFileError(f'"{key}" is unknown in [template]. It has: {", ".join(_TEMPLATE_KEYS)}.', number)
        if key in self.template:
            raise TemplateFileError(f'"{key}" is there twice in [template]. Keep one.', number)
        if key == "type":
            value = FORMER_TYPES.get(value, value)
        if key == "type" and value not in ApplicationType.values:
            raise TemplateFileError(f'Type "{value[:60]}" is unknown. Known: {", ".join(ApplicationType.values)}.',
                                    number)
        if key == "format" and value != FORMAT:
            raise TemplateFileError(f'Format "{value[:60]}" is unknown; this version reads format {FORMAT}.', number)
        if len(value) > (32 if key == "version" else 255):
            raise TemplateFileError(f'The {key} is too long.', number)
        self.template[key] = (value, number)

    def _port_entry(self, number: int, key: str, value: str) -> None:
        port = self.ports[self.section]
        if key not in _PORT_KEYS:
            raise TemplateFileError(f'"{key}" is unknown in a port. It has: {", ".join(_PORT_KEYS)}.', number)
        if key == "port":
            if value and not (value.isascii() and value.isdigit() and PORT_MIN <= int(value[:9]) <= PORT_MAX):
                raise TemplateFileError(f'Port "{value[:60]}" is no number from {PORT_MIN} to {PORT_MAX}.', number)
            port["port"] = int(value) if value else None
        elif key == "ha_sync":
            if value.lower() not in _YES + _NO:
                raise TemplateFileError(f'ha_sync is true or false, not "{value[:60]}".', number)
            port["ha_sync"] = value.lower() in _YES
        else:
            port[key] = value

    def result(self) -> TemplateDraft:
        for key in ("name", "type", "version", "format"):
            if not self.template.get(key, ("", 0))[0]:
                where = "the [template] section" if self.template else "a [template] section"
                raise TemplateFileError(f'{key} is missing: the file needs {where} with "{key} = ...". '
                                        "Is it an Application Template (.apd)?")
        values = {key: value for key, (value, _) in self.template.items()}
        return TemplateDraft(name=values["name"], type=values["type"], version=values["version"],
                             options=self.options, ports=list(self.ports.values()), file_name=self.file_name)
