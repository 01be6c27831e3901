"""An entry of History as collectors read it: a message of syslog (RFC 5424), CEF within one, an object of JSON. Pure.

Whoever compares the digests of these with History knows that neither was changed (docs/audit-shipping.md).
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from provisioning.shipping.facts import Entry
from provisioning.states import AuditFormat, HistoryAction, SignInResult

MOST_BYTES, CUT = 8192, "…"
LOG_AUDIT = 13
"""The facility of syslog."""
WARNING, NOTICE, INFORMATIONAL = 4, 5, 6
SD_ID = "pairwise@32473"
FILE_BEGINS = b'{"number":'
"""What ``json_line`` begins with."""
_SEVERITIES = {
    SignInResult.REFUSED: WARNING, SignInResult.LOCKED: WARNING, SignInResult.SIGNED_IN: INFORMATIONAL,
    SignInResult.SIGNED_OUT: INFORMATIONAL}
"""Of sign-ins; everything else is NOTICE."""
_OF_CEF = {WARNING: 6, NOTICE: 4, INFORMATIONAL: 2}
_WORDS: dict[str, str] = {
    HistoryAction.CREATED: "created", HistoryAction.CHANGED: "changed", HistoryAction.DELETED: "deleted"}
_CONTROL = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160), 0x2028, 0x2029, *range(
    0xD800, 0xE000))}
"""A line stays one line, and nothing in it can be taken for the beginning of another message."""
_WITHIN = {code: text.replace("\\", "\\\\") for code, text in _CONTROL.items()}
"""Where a backslash is escaped, too."""
_OF_SD = {**_WITHIN, ord("\\"): "\\\\", ord('"'): '\\"', ord("]"): "\\]"}
_OF_CEF_HEAD = {**_WITHIN, ord("\\"): "\\\\", ord("|"): "\\|"}
_OF_CEF_VALUE = {**_WITHIN, ord("\n"): "\\n", ord("\r"): "\\r", ord("\\"): "\\\\", ord("="): "\\="}
_NO_NAME = re.compile(r"[^!-~]")


def line(entry: Entry, *, format: str, host: str, version: str) -> bytes:
    """A message of syslog without framing, of at most MOST_BYTES. ``host`` is the console's machine, ``version`` the
    console's."""
    text = _cef(entry, version) if format == AuditFormat.CEF else sentence(entry).translate(_CONTROL)
    head = (f"<{LOG_AUDIT * 8 + severity(entry)}>1 {_utc(entry.at)} {_name(host, 255)} pairwise - "
            f"{_name(entry.action, 32)} {_structured(entry)} ")
    # A text that says that it is UTF-8 begins so; of ASCII alone there is nothing to say.
    mark = "" if text.isascii() else "\ufeff"
    return cut((head + mark + text).encode())


def cut(text: bytes) -> bytes:
    """At most MOST_BYTES of UTF-8, with CUT at the end of what was longer."""
    if len(text) <= MOST_BYTES:
        return text
    return text[:MOST_BYTES - len(CUT.encode())].decode(errors="ignore").encode() + CUT.encode()


def framed(text: bytes) -> bytes:
    """With its length in front, as RFC 6587 and RFC 5425 have it on a connection."""
    return b"%d %s" % (len(text), text)


def document(entry: Entry) -> dict[str, Any]:
    """As an object of JSON, uncut."""
    found = {
        "number": entry.number, "at": _utc(entry.at), "user": entry.user, "user_id": entry.user_id,
        "origin": entry.origin, "action": entry.action, "object_type": entry.object_type, "object_id": entry.object_id,
        "object": entry.object_name, "reason": entry.reason, "request": entry.request,
        "changes": list(entry.changes), "message": sentence(entry), "previous": entry.previous, "digest": entry.digest}
    return {**found, **({"result": entry.result} if entry.result else {})}


def json_line(entry: Entry) -> bytes:
    """With its line feed."""
    return _json(document(entry)) + b"\n"


def begins_as_file(head: bytes) -> bool:
    """Whether a file with this beginning holds lines of entries, or nothing; the first line may have been torn."""
    return FILE_BEGINS.startswith(head.partition(b"\n")[0])


def event(entry: Entry, host: str) -> bytes:
    """As HTTP Event Collectors take it, with a line feed."""
    return _json({"time": round(entry.at.timestamp(), 3), "host": host, "source": "pairwise",
                  "sourcetype": "pairwise:audit", "event": document(entry)}) + b"\n"


def severity(entry: Entry) -> int:
    """One of syslog."""
    return _SEVERITIES.get(SignInResult(entry.result), NOTICE) if entry.result else NOTICE


def sentence(entry: Entry) -> str:
    """``ada changed application MS_P from 10.0.0.7: Version: 8.1 → 8.2. Because of it.``"""
    what = f"{entry.object_type} {entry.object_name}"
    where = f" from {entry.origin}" if entry.origin else ""
    done = _WORDS.get(entry.action)
    head = f"{entry.user} {done} {what}{where}" if done else f"{entry.user}, {what}{where}"
    changes = "; ".join(f"{each['field']}: {each['before'] or '–'} → {each['after'] or '–'}" for each in entry.changes)
    return ": ".join(filter(None, (head, ". ".join(filter(None, (changes, entry.reason))))))


def _structured(entry: Entry) -> str:
    values = {"number": str(entry.number), "user": entry.user, "origin": entry.origin, "action": entry.action,
              "object": f"{entry.object_type} {entry.object_name}", "request": entry.request, "digest": entry.digest}
    values |= {"result": entry.result} if entry.result else {}
    named = " ".join([f'{name}="{text.translate(_OF_SD)}"' for name, text in values.items()])
    return f"[{SD_ID} {named}]"


def _cef(entry: Entry, version: str) -> str:
    what = f"{entry.object_type} {entry.object_name}"
    head = ("Pairwise", "Pairwise", version, entry.action, f"{entry.action} {entry.object_type}",
            str(_OF_CEF[severity(entry)]))
    values = {
        "rt": str(round(entry.at.timestamp() * 1000)), "externalId": str(entry.number), "suser": entry.user,
        "act": entry.action, "outcome": entry.result, "cs1Label": "digest", "cs1": entry.digest, "cs2Label": "object",
        "cs2": what, "cs3Label": "request", "cs3": entry.request, "cs4Label": "origin", "cs4": entry.origin,
        "msg": sentence(entry)}
    extension = " ".join(f"{name}={text.translate(_OF_CEF_VALUE)}" for name, text in values.items() if text)
    return f"CEF:0|{'|'.join(text.translate(_OF_CEF_HEAD) for text in head)}|{extension}"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _name(text: str, longest: int) -> str:
    return _NO_NAME.sub("_", text)[:longest] or "-"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
