"""The description of the API, in the order in which people read it. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
EXAMPLES: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "object": {}, "array": []}
NESTED_MOST, FILE = 3, "application/octet-stream"


@dataclass(frozen=True)
class Value:
    """A parameter, or a member of a body. ``kind``: its type in words, ``place``: path, query, header or body."""

    name: str
    place: str
    kind: str
    needed: bool
    text: str


@dataclass(frozen=True)
class Operation:
    """``link``: the address, when a browser can just open it; ``curl``: an example; ``answers``: (status, text)."""

    anchor: str
    method: str
    path: str
    summary: str
    text: str
    values: tuple[Value, ...]
    answers: tuple[tuple[str, str], ...]
    curl: str
    link: str


@dataclass(frozen=True)
class Group:
    name: str
    operations: tuple[Operation, ...]


def groups(schema: Mapping[str, Any]) -> list[Group]:
    """The operations of ``schema`` (OpenAPI) by what they are about."""
    found: dict[str, list[Operation]] = {}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item:
                tag = (item[method].get("tags") or ["other"])[0]
                found.setdefault(tag, []).append(_operation(schema, method, path, item[method]))
    return [Group(name.capitalize(), tuple(operations)) for name, operations in found.items()]


def _operation(schema: Mapping[str, Any], method: str, path: str, item: Mapping[str, Any]) -> Operation:
    parameters, body = item.get("parameters", ()), _body(item)
    is_file = FILE in item.get("requestBody", {}).get("content", {})
    values = [Value(each["name"], each["in"], _kind(each["schema"]), bool(each.get("required")),
                    each.get("description", "")) for each in parameters]
    values += _members(schema, body)
    opens = method == "get" and "{" not in path
    return Operation(
        anchor=item["operationId"].replace("_", "-"), method=method.upper(), path=path,
        summary=item.get("summary", ""), text=item.get("description", ""), values=tuple(values),
        answers=tuple((status, _answer(schema, each)) for status, each in item["responses"].items()),
        curl=_curl(schema, method, path, body, is_file=is_file), link=path if opens else "")


def _answer(schema: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    shared = schema["components"]["responses"]
    return (shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer).get("description", "")


def _body(item: Mapping[str, Any]) -> Mapping[str, Any]:
    content = item.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("schema", {})


def _resolved(schema: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """``part`` itself, or what it refers to; of several that are possible the first that is not null."""
    for each in part.get("anyOf", ()):
        if each.get("type") != "null":
            return _resolved(schema, each)
    if "$ref" in part:
        return schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return part


def _members(schema: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[Value]:
    model = _resolved(schema, body)
    needed = set(model.get("required", ()))
    for name, each in model.get("properties", {}).items():
        yield Value(name, "body", _kind(each), name in needed, each.get("description", ""))


def _kind(part: Mapping[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_kind(each) for each in part["anyOf"]))
    if "$ref" in part:
        return part["$ref"].rpartition("/")[2]
    if part.get("type") == "array":
        return f"list of {_kind(part.get('items', {}))}"
    return str(part.get("format") or part.get("type", "any"))


def _example(schema: Mapping[str, Any], part: Mapping[str, Any], nested: int = 0) -> Any:
    """The members that are needed, or the first one where none is."""
    model = _resolved(schema, part)
    properties = model.get("properties", {})
    if not properties or nested >= NESTED_MOST:
        return EXAMPLES.get(model.get("type", "object"), "")
    names = [name for name in properties if name in model.get("required", ())] or list(properties)[:1]
    return {name: _example(schema, properties[name], nested + 1) for name in names}


def _curl(schema: Mapping[str, Any], method: str, path: str, body: Mapping[str, Any], *, is_file: bool) -> str:
    parts = ["curl -H \"Authorization: Bearer $TOKEN\""]
    if method != "get":
        parts.append(f"-X {method.upper()}")
    if method in ("put", "patch"):
        parts.append("-H 'If-Match: \"r1\"'")
    if body:
        parts.append(f"-H 'Content-Type: application/json' -d '{json.dumps(_example(schema, body))}'")
    if is_file:
        parts.append(f"-H 'Content-Type: {FILE}' --data-binary @FILE")
    return " ".join((*parts, f"\"$CONSOLE{path}\""))
