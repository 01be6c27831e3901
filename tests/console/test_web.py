"""The web process: what works beside its pages, and what happens when that ends."""

import asyncio
import ssl

import pytest
import uvicorn

from console import tls, web
from protocol.watchdog import Watchdog


class Watched(Watchdog):
    """Somebody asks for signs of life."""

    def __init__(self):
        super().__init__({})
        self.every_s = 60.0


async def pages(scope, receive, send):
    """Nobody asks for one."""


async def fails(*_):
    raise ValueError("the disk said something new")


async def serve() -> None:
    async with asyncio.timeout(20):
        await web.serve(uvicorn.Config(pages, host="127.0.0.1", port=0, lifespan="off", ws="none", log_config=None))


async def test_the_web_process_ends_when_it_does_not_show_signs_of_life_any_more(settings, monkeypatch):
    settings.PAIRWISE_WEB_TLS = False
    monkeypatch.setattr(web, "Watchdog", Watched)
    monkeypatch.setattr(Watched, "show_life", fails)
    with pytest.raises(web.PartEnded, match="show_life") as raised:
        await serve()
    assert "something new" in str(raised.value.__cause__)


async def test_the_web_process_ends_when_nobody_looks_after_its_certificate_any_more(settings, monkeypatch):
    class Shown:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    settings.PAIRWISE_WEB_TLS = True
    monkeypatch.setattr(tls, "provide", lambda: False)
    monkeypatch.setattr(tls, "identity", Shown)
    monkeypatch.setattr(tls, "look_after", fails)
    with pytest.raises(web.PartEnded, match="look_after"):
        await serve()


def test_a_process_that_lost_a_part_says_so_and_fails(monkeypatch, caplog):
    async def lost(_):
        raise web.PartEnded("look_after of the web process has ended")

    monkeypatch.setattr(web, "serve", lost)
    monkeypatch.setattr("django.setup", lambda: None)
    monkeypatch.setattr("console.up.keys.require_the_key_of_this_process", lambda: None)
    assert web.main() == 1
    assert "look_after of the web process has ended" in caplog.text
