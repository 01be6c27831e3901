"""The first seconds of a connection to one of our listeners: so many strangers at once, each for so long."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from .lines import OPENING_TIMEOUT_S, LeftError, WireError
from .strangers import Strangers
from .wire import Opening


class Door:
    """``places``: how many may be showing at once who they are. ``refused`` is told, in a sentence, of each that was
    sent away before it had said its Hello; those that leave by themselves are none of them."""

    def __init__(self, places: int, refused: Callable[[str], object]):
        self._refused = refused
        self._strangers: Strangers[asyncio.StreamWriter] = Strangers(lambda: places)

    @contextlib.asynccontextmanager
    async def opening(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[Opening]:
        """Inside, the stranger has said its Hello and is to be accepted or refused; all of it takes OPENING_TIMEOUT_S
        at most. Raises WireError, OSError."""
        address, known = _address(writer), False
        gives_way = self._strangers.came(writer, address, time.monotonic())
        if gives_way is not None:
            gives_way.transport.abort()
            self._refused(f"{_address(gives_way)} has not shown who it is, and newer connections wait for its place")
        try:
            async with asyncio.timeout(OPENING_TIMEOUT_S) as limit:
                opening = await Opening.read(reader, writer)
                self._strangers.got_further(writer)
                known = True
                yield opening
        except TimeoutError:
            if not limit.expired():
                raise
            late = f"the peer did not show within {OPENING_TIMEOUT_S:g} s who it is"
            self._refused(f"{address}: {late}")
            raise WireError(late) from None
        except WireError as error:
            if not known and not isinstance(error, LeftError):
                self._refused(f"{address}: {error}")
            raise
        finally:
            self._strangers.gone(writer)


def _address(writer: asyncio.StreamWriter) -> str:
    name = writer.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else ""
