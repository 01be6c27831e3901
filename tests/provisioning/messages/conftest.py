"""A member that answers what the test says, in place of the line to a real one."""

import asyncio
import base64

import pytest

from provisioning.messages.facts import NotRead
from provisioning.messages.selectors import asked
from provisioning.messages.services import orders


def message(seq: int, **fields) -> dict:
    """As a server tells of it."""
    body = fields.pop("body", b"hello")
    return {"seq": seq, "epoch": 3, "time": 1_800_000_000_000 + seq, "destination": "/topic/orders", "headers": "",
            "size": len(body), "beginning": base64.b64encode(body).decode(), **fields}


def connection(session: str = "3-7", **fields) -> dict:
    return {"session": session, "login": "anna", "peer": "192.0.2.7:4711", "since": 1_800_000_000, "version": "1.2",
            "unread_bytes": 0, "submitted": 5, "subscriptions_total": 0, "subscriptions": [], **fields}


class Member:
    """``said``: what it answers, by question; ``asked`` and ``told`` what it was. ``trouble`` is raised instead."""

    member, last_seq = "MS_Primary", 120

    def __init__(self):
        self.said: dict[str, dict] = {
            "messages": {"messages": [], "looked_to": 0, "last_seq": 0}, "connections": {"total": 0, "connections": []}}
        self.bodies: dict[int, bytes] = {}
        self.asked: list[tuple[str, dict]] = []
        self.told: list[tuple[str, dict, str]] = []
        self.trouble: NotRead | None = None

    async def ask(self, about: str, **headers) -> dict:
        self.asked.append((about, headers))
        if about not in self.said:
            raise NotRead(f"This server does not know /server/{about}.")
        return self.said[about]

    async def tell(self, destination: str, headers: dict, body: str = "") -> dict:
        self.told.append((destination, headers, body))
        return {"seq": "121"}

    async def stored(self, seq: int, longest: int) -> bytes:
        return self.bodies[seq][:longest]

    def on_line(self, members, talk, **_):
        if self.trouble:
            raise self.trouble
        return asyncio.run(talk(self))


@pytest.fixture
def member(monkeypatch):
    double = Member()
    for module in (asked, orders):
        monkeypatch.setattr(module, "on_line", double.on_line)
    return double
