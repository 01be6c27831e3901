"""The web process: uvicorn on the ASGI application, over TLS where the settings say so (``python -m console.web``)."""

import asyncio
import os
import sys

import django
import uvicorn

from protocol.watchdog import Watchdog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
GRACEFUL_S = 3


async def serve(config: uvicorn.Config) -> None:
    """Until a signal ends it. Raises CannotIssue."""
    from django.conf import settings

    from console import tls

    with Watchdog() as watchdog:
        beside = [asyncio.create_task(watchdog.show_life())]
        if settings.PAIRWISE_WEB_TLS:
            tls.provide()
            identity = tls.identity()
            config.load()
            config.ssl = identity.context
            beside.append(asyncio.create_task(tls.look_after(identity)))
        try:
            await uvicorn.Server(config).serve()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)


def main() -> int:
    django.setup()
    from django.conf import settings

    from console.tls import CannotIssue

    config = uvicorn.Config(
        "console.asgi:application", host=settings.PAIRWISE_HOST, port=settings.PAIRWISE_PORT, lifespan="off", ws="none",
        timeout_graceful_shutdown=GRACEFUL_S, server_header=False, access_log=False, log_level="warning")
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(serve(config))
    except CannotIssue as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
