"""Control's side of the wire on a real port. What it says there to servers, agents and the console is theirs to add."""

import abc
import asyncio
import contextlib
import ssl
import threading

from protocol.wire import Opening, WireError

WAIT_S = 20.0


class Control(abc.ABC):
    """Listens in the loop of whoever enters it. ``meet`` says what happens to one connection, until it ends; ``port``
    is 0 until it listens on one that the system chose. With a ``context`` it speaks TLS."""

    def __init__(self, port: int = 0, *, context: ssl.SSLContext | None = None):
        self.port, self._context = port, context
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task] = set()

    @abc.abstractmethod
    async def meet(self, opening: Opening) -> None:
        """Until the connection has ended."""

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def hang_up(self) -> None:
        """Stop listening and cut every connection, as a control that dies."""
        self._server.close()
        ending, self._tasks = self._tasks, set()
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _serve(self, reader, writer) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            with contextlib.suppress(WireError, asyncio.CancelledError):
                await self.meet(await Opening.read(reader, writer))
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def __aenter__(self):
        await self.listen()
        return self

    async def __aexit__(self, *_) -> None:
        await self.hang_up()


class ControlInThread(Control):
    """Listens at once, in a loop of its own in a thread, so that tests stay plain functions; whatever waits is
    bounded."""

    def __init__(self, port: int = 0, *, context: ssl.SSLContext | None = None):
        super().__init__(port, context=context)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def start(self) -> None:
        """Listen (again), on the same port."""
        self.call(self.listen())

    def stop(self) -> None:
        self.call(self.hang_up())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()

    def call(self, work):
        """The result of the coroutine ``work``, which runs in its loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)
