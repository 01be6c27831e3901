"""The web process: uvicorn on the ASGI application, over TLS where the settings say so (``python -m console.web``)."""

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import sys

import django
import uvicorn
from uvicorn.config import STARTUP_FAILURE

from console import connections
from protocol import collector, hangups, open_files
from protocol.handshakes import SecuredListener
from protocol.watchdog import Watchdog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
GRACEFUL_S = 3
LOOK_S = 10.0
"""How often it is looked whether tries during a lock are to be told of."""

TICKS_A_SECOND = 10
"""As uvicorn counts them: with each tenth the time in its headers is another one."""

log = logging.getLogger(__name__)


class PartEnded(Exception):
    """A part of the process ended that must not: without it the rest would only seem to work."""


class Server(uvicorn.Server):
    """It is told when it is to end; uvicorn's own looks whether it is ten times a second."""

    def __init__(self, config: uvicorn.Config):
        self._is_to_end, self._told = False, asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(config)

    @property
    def should_exit(self) -> bool:
        return self._is_to_end

    @should_exit.setter
    def should_exit(self, ends: bool) -> None:
        self._is_to_end = ends
        if self._loop is not None:
            # A signal comes at any moment.
            self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        counter, self._loop = 0, asyncio.get_running_loop()
        while not await self.on_tick(counter):
            counter += TICKS_A_SECOND
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._told.wait()


class TlsServer(Server):
    """Over TLS. uvicorn's own would bound neither how many may be in their handshake, nor for less than a minute."""

    def __init__(self, config: uvicorn.Config, context: ssl.SSLContext):
        super().__init__(config)
        self._context = context

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        config = self.config
        try:
            infos = await asyncio.get_running_loop().getaddrinfo(
                config.host or None, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            listening = [socket.create_server(address[:2], family=family, backlog=config.backlog)
                         for family, address in dict.fromkeys((family, address) for family, _, _, _, address in infos)]
        except OSError as error:
            log.error("%s", error)
            sys.exit(STARTUP_FAILURE)
        listener = SecuredListener(listening, self._protocol, self._context, places=lambda: connections.PLACES,
                                   failed=self._failed)
        self.servers = [listener]  # type: ignore[list-item]  # uvicorn closes it and waits for it, no more

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]  # uvicorn's own take these
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    def _failed(self, address: str, why: str) -> None:
        connections.refused(f"{address}: {why}")


async def serve(config: uvicorn.Config) -> None:
    """Until a signal ends it. Raises CannotIssue, PartEnded."""
    from django.conf import settings

    from provisioning.core import tls

    with Watchdog() as watchdog:
        server = Server(config)
        beside = [asyncio.create_task(watchdog.show_life(), name="show_life")] if watchdog.every_s else []
        if settings.PAIRWISE_WEB_TLS:
            tls.provide()
            identity = tls.identity()
            server = TlsServer(config, identity.context)
            beside.append(asyncio.create_task(tls.look_after(identity), name="look_after"))
        beside.append(asyncio.create_task(_tell_of_locked_tries(), name="tell_of_locked_tries"))
        try:
            await _serve_with(beside, server)
        finally:
            for each in getattr(server, "servers", ()):
                # uvicorn leaves them as they are when it is to end before it has begun.
                each.close()
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)


async def _tell_of_locked_tries() -> None:
    from provisioning.accounts.services.locked_tries import tell_what_is_due

    while True:
        await asyncio.sleep(LOOK_S)
        await asyncio.to_thread(tell_what_is_due)


async def _serve_with(beside: list[asyncio.Task], server: Server) -> None:
    """Until a signal ends it, or one of the tasks ``beside`` ends. Raises PartEnded."""
    for task in beside:
        task.add_done_callback(lambda _: setattr(server, "should_exit", True))
    await server.serve()
    for task in beside:
        if task.done():
            raise PartEnded(f"{task.get_name()} of the web process has ended, and the process ends with it, so that it "
                            "is started anew.") from task.exception()


def main() -> int:
    hangups.outlive()
    collector.look_rarely()
    django.setup()
    from django.conf import settings

    from console.up.errors import CannotStart
    from console.up.keys import require_the_key_of_this_process
    from provisioning.core.tls import CannotIssue

    try:
        require_the_key_of_this_process()
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2
    open_files.allow_many()
    proxies = settings.PAIRWISE_TRUSTED_PROXIES
    connections.trust(proxies)
    # Whoever is no proxy of ours does not say where he comes from.
    config = uvicorn.Config(
        "console.asgi:application", host=settings.PAIRWISE_HOST, port=settings.PAIRWISE_PORT, lifespan="off", ws="none",
        http=connections.Http, proxy_headers=bool(proxies),
        # As networks: uvicorn would take 10.1.0.5/16 for a name.
        forwarded_allow_ips=[str(each) for each in connections.trusted_proxies],
        timeout_graceful_shutdown=GRACEFUL_S, server_header=False, access_log=False, log_level="warning",
        # To the handler of the settings, which bounds what strangers may write.
        log_config=None)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(serve(config))
    except CannotIssue as error:
        print(error, file=sys.stderr)
        return 2
    except PartEnded:
        log.exception("A part of the web process has ended.")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
