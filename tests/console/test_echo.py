"""The web process says how a request reached it, to nobody but who has the console's key."""

import asyncio
import json
import socket
import time

import pytest

from console import echo
from console.echo import GOOD_S, HELD_MAX, PATH, PROOF, Echo, proof
from provisioning.core.arrival import PEER

NOW = 1_800_000_000.0
KEY, FORMER = "k" * 40, "f" * 40


def scope(path=PATH, shown="", query=b"", headers=()):
    sent = [(b"host", b"pairwise.example.com"), *headers]
    return {"type": "http", "path": path, "method": "GET", "query_string": query, "scheme": "https", PEER: "10.0.0.5",
            "client": ("10.9.9.9", 0),
            "headers": [*sent, *([(PROOF.lower().encode(), shown.encode())] if shown else [])]}


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})


async def asked(of: Echo, wanted) -> list[dict]:
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    await of(wanted, None, send)
    return sent


@pytest.mark.parametrize(("shown", "good"), [
    (proof(KEY, NOW), True), (proof(FORMER, NOW), True), (proof(KEY, NOW - GOOD_S), True),
    (proof(KEY, NOW + GOOD_S), True),
    (proof(KEY, NOW - GOOD_S - 1), False), (proof(KEY, NOW + GOOD_S + 1), False), (proof("x" * 40, NOW), False),
    (f"{NOW:.0f}.", False), (f"{NOW:.0f}", False), ("", False), ("." * 9, False), ("9" * 400, False),
    (f"{NOW + 1:.0f}.{proof(KEY, NOW).partition('.')[2]}", False), (f"{NOW:.0f}.ä", False), ("١.x", False)])
def test_a_proof_is_of_a_key_of_the_console_and_of_now(shown, good):
    assert echo.is_proven(shown, (KEY, FORMER), NOW) is good


async def test_whoever_has_no_proof_finds_nothing_there(settings):
    for shown in ("", proof("x" * 40, time.time())):
        assert [each["status"] for each in await asked(Echo(application), scope(shown=shown))] == [404]
    shown = proof(settings.SECRET_KEY, time.time())
    assert [each["status"] for each in await asked(Echo(application), scope("/", shown))] == [404]


async def test_it_tells_how_a_request_came_and_nothing_else_of_it(settings):
    settings.PAIRWISE_TRUSTED_PROXIES = ["10.0.0.0/24"]
    shown = proof(settings.SECRET_KEY, time.time())
    start, body = await asked(Echo(application), scope(shown=shown, headers=[
        (b"x-forwarded-for", b"10.9.9.9"), (b"x-forwarded-proto", b"https"), (b"cookie", b"session=secret"),
        (b"authorization", b"Bearer pw_secret"), (b"x-forwarded-for", b"x" * 5000)]))
    assert start["status"] == 200
    assert (shown in body["body"].decode(), b"secret" in body["body"]) == (False, False)
    process, arrival = echo.arrival(json.loads(body["body"]))
    # Those of several machines may listen at the same address: 0.0.0.0:8000.
    assert process == f"{socket.gethostname()}:{settings.PAIRWISE_PORT}"
    assert (arrival.scheme, arrival.host, arrival.peer, arrival.client, arrival.is_trusted, arrival.proto) == (
        "https", "pairwise.example.com", "10.0.0.5", "10.9.9.9", True, "https")
    assert arrival.forwarded_for.startswith("10.9.9.9, x")
    assert len(arrival.forwarded_for) == echo.SHOWN_MAX


@pytest.mark.parametrize("said", [None, [], {}, {"process": 1}, {"process": "a", "scheme": "http"}])
def test_what_is_no_answer_is_none(said):
    with pytest.raises(ValueError, match="no arrival"):
        echo.arrival(said)


async def test_few_streams_are_held_at_once(settings, monkeypatch):
    monkeypatch.setattr(echo, "HOLD_S", 0.2)
    held, wanted = Echo(application), scope(shown=proof(settings.SECRET_KEY, time.time()), query=echo.STREAM)
    answers = await asyncio.gather(*(asked(held, wanted) for _ in range(HELD_MAX + 2)))
    assert sorted(sent[0]["status"] for sent in answers) == [200] * HELD_MAX + [503] * 2
    assert [each["status"] for each in (await asked(held, wanted))[:1]] == [200]
