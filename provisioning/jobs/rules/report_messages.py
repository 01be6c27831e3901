"""The messages in which hosts report: what is taken out of one, and in which order they are looked at. Pure.

Nothing else of a message counts: what Celery would do for its sender besides (callbacks, chains, times, limits, another
task) is not read.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from protocol.jobs import RECORD_REPORT, REPORT_BYTES_MAX
from protocol.outside import NotJson, read_json

Message = TypeVar("Message")


class NoReport(ValueError):
    """A message that holds no report. The text is a sentence."""


def enclosed(raw: bytes) -> tuple[dict[str, Any], str]:
    """(report, signature) of a message as kombu writes it into Redis. Raises NoReport."""
    envelope = _json(raw)
    headers = envelope.get("headers") if isinstance(envelope, dict) else None
    if not isinstance(headers, dict) or not isinstance(envelope.get("body"), str):
        raise NoReport("It is no message.")
    try:
        body = base64.b64decode(envelope["body"], validate=True)
    except ValueError:
        raise NoReport("It is no message.") from None
    return opened(headers.get("task"), body)


def opened(task: Any, body: bytes) -> tuple[dict[str, Any], str]:
    """(report, signature) of the body of a message for this task. Raises NoReport."""
    if task != RECORD_REPORT:
        raise NoReport(f"It asks for {str(task)[:60]!r}, and a host may only report.")
    content = _json(body)
    arguments = content[0] if isinstance(content, list) and content else None
    if not isinstance(arguments, list) or len(arguments) != 2:
        raise NoReport("It is no report with its signature.")
    report, signature = arguments
    if not isinstance(report, dict) or not isinstance(signature, str):
        raise NoReport("It is no report with its signature.")
    return report, signature


def _json(raw: bytes) -> Any:
    if len(raw) > REPORT_BYTES_MAX:
        raise NoReport(f"It is larger than {REPORT_BYTES_MAX // 1024 ** 2} MB.")
    try:
        return read_json(raw)
    except NotJson:
        raise NoReport("It is no JSON.") from None


def in_turn(waiting: Mapping[str, Sequence[Message]]) -> Iterator[tuple[str, Message]]:
    """(host, message): the oldest of each host, then the next of each, and so on."""
    longest = max(map(len, waiting.values()), default=0)
    for place in range(longest):
        yield from ((host, messages[place]) for host, messages in waiting.items() if place < len(messages))
