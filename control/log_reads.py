"""What the console asks of the agents' log files: passed on to the agent of the host, a few at a time, and back."""

import asyncio
import logging
from dataclasses import replace
from typing import Any

from protocol.log_messages import ANSWER_BYTES, FILES_MAX, LINE_BYTES, LINES_MAX, READ_S, READS_LOGS, LogRead, ReadLog
from protocol.said import LARGEST, number
from protocol.wire import WireError

from .checks import REASON_MAX, clean
from .live import LiveHost, World

log = logging.getLogger(__name__)

ANSWER_S = READ_S + 1.0
"""How long an agent is waited for, other readers of its host included."""
PATH_MAX = 4200
_FILE_TEXTS = {"name": PATH_MAX, "path": PATH_MAX, "kind": 20, "problem": REASON_MAX}
_NUMBERS = ("begins", "ends", "size", "skipped", "written")


class LogReads:
    """``answer`` is for the console, ``heard`` takes what agents say."""

    def __init__(self, world: World):
        self._world = world

    async def answer(self, asked: ReadLog) -> LogRead:
        """At once, or as soon as the agent of the host answers; within ANSWER_S."""
        live = self._world.application(asked.application)
        if live is None:
            return _no(f"Control knows no application {asked.application[:255]!r}.", "Try again in a moment.")
        host = self._world.host_of(live)
        if host is None:
            return _no(f"{live.facts.name} is on no host, so it has no logs.", "Choose its host, then install it.")
        if (refused := _why_not(host)) is not None:
            return refused
        try:
            async with asyncio.timeout(ANSWER_S), host.log_turns:
                return await self._asked(host, asked)
        except TimeoutError:
            return _why_not(host) or _no(f"The agent of {host.facts.name} did not answer within {ANSWER_S:g} s.",
                                         "Try again in a moment.")

    async def _asked(self, host: LiveHost, asked: ReadLog) -> LogRead:
        number, waiting = host.log_questions.ask()
        host.post(replace(asked, id=number))
        return await waiting

    def heard(self, host: LiveHost, said: LogRead) -> None:
        """Raises WireError for what is none."""
        answer = checked(said)
        if not host.log_questions.answered(said.id, answer):
            log.warning("the agent of %s sent lines of a log that nobody asked it for", host.facts.name)


def _why_not(host: LiveHost) -> LogRead | None:
    name = host.facts.name
    if host.peer is None or host.hello is None:
        return _no(f"The agent of {name} is not connected, so its logs cannot be read.",
                   "Start the agent, or look at the host's page for what is wrong.")
    if host.hello.speaks < READS_LOGS:
        return _no(f"The agent of {name} is of an older version, which does not read logs.",
                   "Update the agent: make a new line on the host's page and paste it there.")
    return None


def _no(reason: str, advice: str) -> LogRead:
    return LogRead(ok=False, reason=reason, advice=advice)


# --- what may be passed on -----------------------------------------------------------------------------------


def checked(said: LogRead) -> LogRead:
    """``said`` with nothing in it but what ``LogRead`` names, within its bounds. Raises WireError."""
    if len(said.files) > FILES_MAX:
        raise WireError(f"the agent named {len(said.files)} log files, the limit is {FILES_MAX}")
    return LogRead(ok=said.ok, reason=clean(said.reason, REASON_MAX), advice=clean(said.advice, REASON_MAX),
                   page=_page(said.page, whole=said.ok), files=[_file(each) for each in said.files])


def _page(page: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    if not whole:
        return {"file": _text(page.get("file", ""), PATH_MAX)}
    lines, cut = page.get("lines"), page.get("cut")
    if not isinstance(lines, list) or not isinstance(cut, list) or len(lines) > LINES_MAX + 1:
        raise WireError("the agent sent lines of a log that are none")
    texts = [_text(line, LINE_BYTES) for line in lines]
    if sum(len(text.encode()) for text in texts) > ANSWER_BYTES + 2 * LINE_BYTES:
        raise WireError("the agent sent more of a log than it was asked for")
    return {"file": _text(page.get("file"), PATH_MAX), "of": _text(page.get("of"), 100), "lines": texts,
            "cut": [each for each in cut if type(each) is int and 0 <= each < len(texts)],
            **{name: page.get(name) is True for name in ("unfinished", "anew", "more")},
            **{name: _number(page.get(name)) for name in _NUMBERS}}


def _file(file: object) -> dict[str, Any]:
    if not isinstance(file, dict):
        raise WireError("the agent named a log file that is none")
    return {**{name: _text(file.get(name), most) for name, most in _FILE_TEXTS.items()},
            "size": _number(file.get("size")), "written": _number(file.get("written"))}


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise WireError("the agent sent a text about a log that is none, or too long a one")
    # Nearly every one: a look at each character of an answer would hold up the others.
    return value if value.isprintable() else clean(value, most)


def _number(value: object) -> int | float:
    found: int | float | None = number(value, 0, LARGEST)
    if found is None:
        raise WireError("the agent sent a number about a log that is none")
    return found
