"""What one connection was asked and has not answered yet."""

import asyncio
import secrets
from typing import Generic, TypeVar

from protocol.message import Message

KEPT_MAX = 64
"""So many questions are remembered beyond their time: a late answer is no foreign one."""

Answer = TypeVar("Answer", bound=Message)


class Questions(Generic[Answer]):
    """Each connection has its own, so an answer counts only from whom it was asked. Numbers cannot be guessed."""

    def __init__(self) -> None:
        self._asked: dict[int, asyncio.Future[Answer]] = {}

    def ask(self) -> tuple[int, asyncio.Future[Answer]]:
        """The number of a new question, and what its answer is put into; whoever waits cancels it when he gives up."""
        number = secrets.randbits(53)
        waiting = self._asked[number] = asyncio.get_running_loop().create_future()
        for former in list(self._asked)[:-KEPT_MAX]:
            if self._asked[former].done():
                del self._asked[former]
        return number, waiting

    def answered(self, number: int, answer: Answer) -> bool:
        """Take the answer to ``number``; False when this connection was never asked that."""
        waiting = self._asked.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
        return waiting is not None
