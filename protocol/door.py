"""The first seconds of a connection to one of our listeners: so many strangers at once, each for so long."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from .lines import OPENING_TIMEOUT_S, WireError
from .strangers import Strangers
from .wire import Opening


class Door:
    """``places``: how many may be showing at once who they are."""

    def __init__(self, places: int):
        self._strangers: Strangers[asyncio.StreamWriter] = Strangers(lambda: places)

    @contextlib.asynccontextmanager
    async def opening(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[Opening]:
        """Inside, the stranger has said its Hello and is to be accepted or refused; all of it takes OPENING_TIMEOUT_S
        at most. Raises WireError, OSError."""
        name = writer.get_extra_info("peername")
        gives_way = self._strangers.came(writer, name[0] if isinstance(name, tuple) else "", time.monotonic())
        if gives_way is not None:
            gives_way.transport.abort()
        try:
            async with asyncio.timeout(OPENING_TIMEOUT_S) as limit:
                opening = await Opening.read(reader, writer)
                self._strangers.got_further(writer)
                yield opening
        except TimeoutError:
            if not limit.expired():
                raise
            raise WireError(f"the peer did not show within {OPENING_TIMEOUT_S:g} s who it is") from None
        finally:
            self._strangers.gone(writer)
