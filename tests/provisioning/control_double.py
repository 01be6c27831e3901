"""A control as the console sees it: speaks the wire on a real port and answers what the test wants.

It runs its own event loop in a thread, so that tests stay plain functions; everything that waits is bounded.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable

from protocol.messages import Changed, Message, PairAnswer, PairRequest, Ping, Pong
from protocol.wire import Opening, WireError
from provisioning.control_client import control_secrets

WAIT_S = 10.0


class ControlDouble:
    """``answers`` is {verb: PairAnswer, a function of the request that gives one, or None for no answer}."""

    def __init__(self):
        self.answers: dict[str, PairAnswer | Callable[[PairRequest], PairAnswer] | None] = {}
        self.requests: list[PairRequest] = []
        self._tasks: set[asyncio.Task] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._call(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        self._call(self._hang_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _hang_up(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer) -> None:
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(WireError, asyncio.CancelledError):
            opening = await Opening.read(reader, writer)
            assert opening.proves(control_secrets()[0])
            channel = await opening.accept(control_secrets()[0])
            try:
                while True:
                    answer = self._answer(await channel.receive())
                    if answer is not None:
                        await channel.send(answer)
            finally:
                await channel.close()

    def _answer(self, message: Message) -> Message | None:
        if isinstance(message, Ping):
            return Pong()
        if isinstance(message, Changed):
            return None
        self.requests.append(message)
        answer = self.answers[message.verb]
        return answer(message) if callable(answer) else answer
