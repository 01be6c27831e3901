"""Connections that are subscribed and silent, in a process of their own.

    echo PASSCODE | python -m bench._idle PORT LOGIN COUNT

Says ``ready`` when all of them are, and keeps them until its input ends.
"""

import asyncio
import sys

from protocol import open_files

from ._receivers import Receiver, Source

AT_ONCE = 100


async def hold(port: int, login: str, passcode: str, count: int) -> None:
    loop, places = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Receiver:
        receiver = Receiver(Source("127.0.0.1", port, login, passcode, f"/topic/idle-{number}"), 1)
        async with places:
            await loop.create_connection(lambda: receiver, "127.0.0.1", port)
            await receiver.ready
        return receiver

    kept = await asyncio.gather(*map(one, range(count)))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    assert not any(each.finished.done() for each in kept), "a connection was lost"


if __name__ == "__main__":
    open_files.allow_many()
    asyncio.run(hold(int(sys.argv[1]), sys.argv[2], sys.stdin.readline().strip(), int(sys.argv[3])))
