"""Reads the YAML of ``manage.py apply`` (docs/configuration-file.md): text in, plain specs out.

Every scalar is taken as the text that was typed (``010`` stays ``010``), a bare ``null`` as None. Unknown keys are
refused with the nearest known name, so that a typing error is never silently ignored.
"""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from protocol.said import is_legible, legible
from provisioning.declared import Kind, facts
from provisioning.drafts import ApplicationDraft, ConnectionDraft, HostDraft, PortDraft
from provisioning.errors import Refusal, Refused

from .listed import LISTED

MAX_BYTES, MAX_OBJECTS = 8 * 1024 * 1024, 20_000
HOST_KEYS, APPLICATION_KEYS, PORT_KEYS, CONNECTION_KEYS = (
    {each.written: each.kind for each in facts(draft).values()}
    for draft in (HostDraft, ApplicationDraft, PortDraft, ConnectionDraft))
LOG_KEYS = {"to": Kind.TEXT}
_SHAPES: dict[Kind, type[list] | type[dict]] = {Kind.ROWS: list, Kind.NAMES: list, Kind.WORDS: list,
                                               Kind.TABLE: dict}
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")


@dataclass(frozen=True)
class Manifest:
    """What a file asks for: paths as written, hosts and applications as {key: value} with values of their kind.

    ``options`` and ``annex`` are {section: {key: text or None}}; None removes. ``log_to``: name of the primary that log
    records are sent to, "" for none; None where the file does not say. ``listed``: {key of a kind of LISTED: its
    objects}, of the kinds that the file names.
    """

    templates: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    hosts: tuple[dict[str, Any], ...] = ()
    applications: tuple[dict[str, Any], ...] = ()
    log_to: str | None = None
    listed: Mapping[str, tuple[dict[str, Any], ...]] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Scalars as text, no key twice, no other tags."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag == "tag:yaml.org,2002:null"]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _unlike(node: yaml.Node, problem: str) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    text = loader.construct_scalar(node)
    if not is_legible(text):
        raise _unlike(node, "a text holds what is no character and cannot be written")
    return text


def _tagged(loader: _Loader, node: yaml.Node) -> None:
    raise _unlike(node, f"the tag {legible(node.tag, 60)} is not known; write the value without it")


def _mapping(loader: _Loader, node: yaml.Node) -> dict:
    if not isinstance(node, yaml.MappingNode):
        raise _unlike(node, "a value is marked as a mapping and is none")
    result = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _unlike(key_node, "a key is not plain text")
        if key in result:
            raise _unlike(key_node, f'"{key}" is there twice')
        result[key] = loader.construct_object(value_node, deep=True)
    return result


_Loader.yaml_constructors = {
    "tag:yaml.org,2002:null": yaml.SafeLoader.construct_yaml_null,
    yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG: _text,
    yaml.resolver.BaseResolver.DEFAULT_SEQUENCE_TAG: yaml.SafeLoader.construct_yaml_seq,
    yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG: _mapping,
    None: _tagged,
}


def read_manifest(content: bytes, *, file_name: str = "") -> Manifest:
    """The manifest in ``content``. Raises Refused with everything that is wrong in it."""
    what = file_name or "The file"
    if len(content) > MAX_BYTES:
        raise Refused(f"{what} has {len(content)} bytes; at most {MAX_BYTES} are read. Split it.")
    try:
        body = _load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"{what} is no readable YAML: {_where(error)}") from None
    return _manifest(body)


def read_body(body: Any) -> Manifest:
    """The same of what was JSON: numbers and truth values as they are written there. Raises Refused."""
    return _manifest(_as_written(body))


def _as_written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_written(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_written(each) for each in value]
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _manifest(body: Any) -> Manifest:
    reader = _Reader()
    manifest = reader.manifest({} if body is None else body)
    if reader.refusals:
        raise Refused(*reader.refusals)
    return manifest


def _load(content: bytes) -> Any:
    loader = _Loader(content)
    try:
        return loader.get_single_data()
    except (ValueError, OverflowError):
        # Of a character or a version whose number is too large; yaml says nothing itself.
        raise yaml.MarkedYAMLError(problem="a number is too large", problem_mark=loader.get_mark()) from None
    finally:
        loader.dispose()


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}." if mark else f"{problem}."


@dataclass
class _Reader:
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, at: str, message: str) -> None:
        self.refusals.append(Refusal(f"{at}: {message}" if at else message, at))

    def manifest(self, body: Any) -> Manifest:
        lists = ("templates", "packages", "hosts", "applications", *LISTED)
        kinds = dict.fromkeys(lists, Kind.ROWS) | {"log": Kind.TABLE}
        body = self.keys(body, kinds, "")
        return Manifest(
            templates=self.paths(body.get("templates"), "templates"),
            packages=self.paths(body.get("packages"), "packages"),
            hosts=self.objects(body.get("hosts"), "hosts", HOST_KEYS),
            applications=tuple(map(self.application, self.objects(body.get("applications"), "applications",
                                                                 APPLICATION_KEYS))),
            log_to=None if body.get("log") is None else self.keys(body["log"], LOG_KEYS, "log").get("to"),
            listed={key: self.objects(body[key], key, kind.keys) for key, kind in LISTED.items() if key in body},
        )

    def paths(self, value: Any, at: str) -> tuple[str, ...]:
        rows = value if isinstance(value, list) else []
        if not all(isinstance(row, str) and row for row in rows):
            self.refuse(at, "list the paths of files.")
            return ()
        return tuple(rows)

    def objects(self, value: Any, at: str, kinds: Mapping[str, Kind]) -> tuple[dict[str, Any], ...]:
        rows = value if isinstance(value, list) else []
        if len(rows) > MAX_OBJECTS:
            self.refuse(at, f"{len(rows)} are too many for one file; {MAX_OBJECTS} fit.")
            return ()
        result, seen = [], set()
        for number, row in enumerate(rows, 1):
            name = row.get("name") if isinstance(row, dict) else None
            name = name if isinstance(name, str) else ""
            spec = self.keys(row, kinds, name or f"{at}, entry {number}")
            if not name:
                self.refuse(f"{at}, entry {number}", "name is missing.")
            elif name in seen:
                self.refuse(name, "is there twice. Join the two.")
            else:
                seen.add(name)
                result.append(spec)
        return tuple(result)

    def application(self, spec: dict[str, Any]) -> dict[str, Any]:
        at = spec["name"]
        for key, kinds, needed in (("ports", PORT_KEYS, ("id", "port")), ("connections", CONNECTION_KEYS, ("server",))):
            if spec.get(key) is not None:
                spec[key] = [self.row(row, kinds, f"{at}, {key}, entry {n}", needed)
                             for n, row in enumerate(spec[key], 1)]
        for key in ("options", "annex"):
            if spec.get(key) is not None:
                spec[key] = {section: self.section(keys, f"{at}, {key} [{section}]")
                             for section, keys in spec[key].items()}
        return spec

    def row(self, row: Any, kinds: Mapping[str, Kind], at: str, needed: tuple[str, ...]) -> dict[str, Any]:
        spec = {key: value for key, value in self.keys(row, kinds, at).items() if value is not None}
        for key in needed:
            if isinstance(row, dict) and key not in row:
                self.refuse(at, f"{key} is missing.")
        return spec

    def section(self, keys: Any, at: str) -> dict[str, str | None] | None:
        if keys is None:
            return None
        if not isinstance(keys, dict) or not all(value is None or isinstance(value, str) for value in keys.values()):
            self.refuse(at, "write key: value pairs.")
            return {}
        return keys

    def names(self, rows: list[Any], at: str) -> tuple[str, ...]:
        if not all(isinstance(row, str) for row in rows):
            self.refuse(at, "write a list of single values here.")
            return ()
        return tuple(rows)

    def words(self, rows: list[Any], at: str) -> tuple[str | tuple[str, str], ...]:
        """Texts, and ``{key: text}`` of one key as (key, text)."""
        pairs = [next(iter(row.items())) if isinstance(row, dict) and len(row) == 1 else row for row in rows]
        if not all(isinstance(pair, str) or (isinstance(pair, tuple) and isinstance(pair[1], str))
                   for pair in pairs):
            self.refuse(at, "write a list of words, and of key: value pairs in braces, here.")
            return ()
        return tuple(pairs)

    def keys(self, body: Any, kinds: Mapping[str, Kind], at: str) -> dict[str, Any]:
        """``body`` with known keys only, each value of its kind."""
        if not isinstance(body, dict):
            self.refuse(at, "write key: value pairs here.")
            return {}
        result = {}
        for key, value in body.items():
            if key not in kinds:
                near = difflib.get_close_matches(key, kinds, n=1, cutoff=0.5)
                hint = f'Did you mean "{near[0]}"?' if near else f"Known: {', '.join(kinds)}."
                self.refuse(at, f'"{key}" is unknown. {hint}')
            else:
                result[key] = self.value(value, kinds[key], f"{at}, {key}" if at else key)
        return result

    def value(self, value: Any, kind: Kind, at: str) -> Any:
        if value is None:
            return "" if kind == Kind.TEXT else None
        if kind in _SHAPES:
            if not isinstance(value, _SHAPES[kind]):
                self.refuse(at, "write key: value pairs here." if kind == Kind.TABLE else "write a list here.")
                return None
            read = {Kind.NAMES: self.names, Kind.WORDS: self.words}.get(kind)
            return read(value, at) if read and isinstance(value, list) else value
        if not isinstance(value, str):
            self.refuse(at, "write a single value here.")
            return None
        if kind == Kind.NUMBER:
            if not (value.isascii() and value.removeprefix("-").isdigit() and len(value) < 12):
                self.refuse(at, f'"{value[:40]}" is no whole number.')
                return None
            return int(value)
        if kind == Kind.FLAG:
            if value.lower() not in _YES + _NO:
                self.refuse(at, f'write true or false, not "{value[:40]}".')
                return None
            return value.lower() in _YES
        return value
