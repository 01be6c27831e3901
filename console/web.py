"""The web process: uvicorn on the ASGI application, over TLS where the settings say so (``python -m console.web``)."""

import asyncio
import logging
import os
import sys

import django
import uvicorn

from console import connections
from protocol import open_files
from protocol.watchdog import Watchdog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
GRACEFUL_S = 3

log = logging.getLogger(__name__)


class PartEnded(Exception):
    """A part of the process ended that must not: without it the rest would only seem to work."""


async def serve(config: uvicorn.Config) -> None:
    """Until a signal ends it. Raises CannotIssue, PartEnded."""
    from django.conf import settings

    from console import tls

    with Watchdog() as watchdog:
        beside = [asyncio.create_task(watchdog.show_life(), name="show_life")] if watchdog.every_s else []
        if settings.PAIRWISE_WEB_TLS:
            tls.provide()
            identity = tls.identity()
            config.load()
            config.ssl = identity.context
            beside.append(asyncio.create_task(tls.look_after(identity), name="look_after"))
        try:
            await _serve_with(beside, uvicorn.Server(config))
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)


async def _serve_with(beside: list[asyncio.Task], server: uvicorn.Server) -> None:
    """Until a signal ends it, or one of the tasks ``beside`` ends. Raises PartEnded."""
    for task in beside:
        task.add_done_callback(lambda _: setattr(server, "should_exit", True))
    await server.serve()
    for task in beside:
        if task.done():
            raise PartEnded(f"{task.get_name()} of the web process has ended, and the process ends with it, so that it "
                            "is started anew.") from task.exception()


def main() -> int:
    django.setup()
    from django.conf import settings

    from console.tls import CannotIssue
    from console.up.errors import CannotStart
    from console.up.keys import require_the_key_of_this_process

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
        http=connections.Http, proxy_headers=bool(proxies), forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=GRACEFUL_S, server_header=False, access_log=False, log_level="warning")
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
