"""Completes the description that ninja makes: what every operation may answer when something is wrong, the headers that
count everywhere, and rows of which only some members were asked for."""

from typing import Any

from . import problems

DESCRIPTION = (
    "Everything that the pages of the console do. Objects are addressed by name or by id. What is wrong is answered as "
    "a problem (RFC 9457) with the sentences of the pages. Within v1 members are only added: pass over those that you "
    "do not know.")
PROBLEM_REF = "#/components/schemas/Problem"
READ = (400, 401, 403, 404, 409, 422, 429, 500, 503)
WRITE = (400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 500, 503)
METHODS = ("get", "post", "put", "patch", "delete")

_TEXT, _LINK = {"type": "string"}, "#/components/schemas/ProblemLink"
SCHEMAS: dict[str, Any] = {
    "ProblemLink": {
        "type": "object", "title": "ProblemLink", "required": ["kind", "name", "url"],
        "description": "Another object that a refusal names, and where the API has it.",
        "properties": {"kind": _TEXT, "name": _TEXT, "url": _TEXT}},
    "ProblemRefusal": {
        "type": "object", "title": "ProblemRefusal", "required": ["field", "message", "links"],
        "description": "One rule that was not kept. field is \"\" when it is about the whole object.",
        "properties": {"field": _TEXT, "message": _TEXT, "links": {"type": "array", "items": {"$ref": _LINK}}}},
    "ProblemDifference": {
        "type": "object", "title": "ProblemDifference", "required": ["field", "label", "theirs", "yours"],
        "description": "What somebody else saved, and what was sent.",
        "properties": dict.fromkeys(("field", "label", "theirs", "yours"), _TEXT)},
    "Problem": {
        "type": "object", "title": "Problem",
        "description": "What is wrong (RFC 9457). revision, saved_by, saved_at and differences are there when somebody "
                       "else saved the object (412).",
        "required": ["type", "title", "status", "detail", "instance", "request_id", "refusals"],
        "properties": {
            "type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "instance": _TEXT,
            "request_id": _TEXT,
            "refusals": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemRefusal"}},
            "revision": {"type": "integer"}, "saved_by": _TEXT,
            "saved_at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "differences": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemDifference"}}}},
}


def _header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    return {"in": "header", "name": name, "description": description, "required": required,
            "schema": {"type": "string", "maxLength": 255}}


ANY = (_header("X-Request-ID", "A UUID by which History and the log know this request."),)
OF_WRITES = (
    _header("Idempotency-Key", "Any text of yours. The same request with the same key is answered for 24 hours as the "
                               "first time, and is not done again."),
    _header("X-Pairwise-Reason", "Why it is done; History keeps it."),
)


def completed(schema: Any) -> Any:
    """``schema`` of ninja, with what holds of every operation."""
    schema["components"]["schemas"] |= SCHEMAS
    schema["components"]["responses"] = {_name(status): {
        "description": problems.TITLES[status], "content": {problems.MEDIA_TYPE: {"schema": {"$ref": PROBLEM_REF}}}}
        for status in sorted({*READ, *WRITE})}
    for item in schema["paths"].values():
        for method in METHODS:
            if method in item:
                _complete(item[method], method)
    for name, model in schema["components"]["schemas"].items():
        if name.startswith("PageOf_") and "items" in model.get("properties", {}):
            _make_partial(schema, model["properties"]["items"]["items"])
    return schema


def _complete(operation: dict[str, Any], method: str) -> None:
    is_read = method == "get"
    for status in READ if is_read else WRITE:
        if status not in operation["responses"]:
            operation["responses"][status] = {"$ref": f"#/components/responses/{_name(status)}"}
    operation["responses"] = {str(key): value for key, value in sorted(
        operation["responses"].items(), key=lambda each: int(each[0]))}
    named = {each["name"] for each in operation.setdefault("parameters", [])}
    headers = (*ANY, *(() if is_read else OF_WRITES))
    operation["parameters"] += [each for each in headers if each["name"] not in named]


def _name(status: int) -> str:
    return f"Problem{status}"


def _make_partial(schema: Any, item: dict[str, Any]) -> None:
    """A list gives only the members that were asked for, so none of them has to be there."""
    target = item
    if "$ref" in item:
        target = schema["components"]["schemas"][item["$ref"].rpartition("/")[2]]
    target.pop("required", None)
