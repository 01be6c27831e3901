"""Reads of programs: which requests they are, what threads answer them, and how long a database stays open."""

import asyncio
import threading

import pytest
from asgiref.sync import async_to_sync
from django.db import connections

from console import reads
from console.reads import Answer, Reader, Reads, answer, is_read
from tests.waiting import wait_for

TOKEN = [(b"authorization", b"Bearer pw_x")]
LIST = "/api/v1/applications"


def scope(path=LIST, method="GET", headers=TOKEN, query=b""):
    return {"type": "http", "method": method, "path": path, "headers": headers, "query_string": query, "root_path": "",
            "client": ("192.0.2.7", 1), "server": ("127.0.0.1", 8000), "scheme": "http"}


async def others(scope, receive, send):
    """Stands for Django with its own threads."""
    await receive()
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"another way"})


async def asked(application, scope, messages=({"type": "http.request", "body": b""},)):
    """(status, body); (None, b"") of a request that was not answered."""
    coming, sent = iter(messages), []

    async def receive():
        return next(coming)

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    return (sent[0]["status"], sent[1]["body"]) if sent else (None, b"")


def in_thread(scope, body):
    return Answer(200, [], str(threading.get_ident()).encode())


@pytest.mark.parametrize(("asks", "is_one"), [
    (scope(), True), (scope(method="HEAD"), True), (scope(method="POST"), False), (scope(headers=[]), False),
    (scope(path="/monitoring/"), False), (scope(path="/api/v1/stream"), False), ({"type": "lifespan"}, False)])
def test_what_a_program_only_reads_is_a_read(asks, is_one):
    assert is_read(asks) is is_one


def test_reads_that_follow_each_other_are_answered_in_one_thread_and_nothing_else_is():
    async def all_of_it():
        application = Reads(others, in_thread)
        found = [await asked(application, scope()) for _ in range(3)]
        return found, await asked(application, scope(method="POST"))

    found, other = async_to_sync(all_of_it)()
    assert {status for status, _ in found} == {200}
    assert len({thread for _, thread in found}) == 1
    assert other == (299, b"another way")


def test_so_many_are_at_work_together_until_one_takes_longer():
    at_work, most, lock, go_on = [], [], threading.Lock(), threading.Event()

    def waits(scope, body):
        with lock:
            at_work.append(scope)
            most.append(len(at_work))
        go_on.wait(5)
        with lock:
            at_work.remove(scope)
        return Answer(200, [], b"")

    async def all_of_it():
        application = Reads(others, waits, threads=reads.TOGETHER + 1)
        tasks = [asyncio.create_task(asked(application, scope(query=b"%d" % number)))
                 for number in range(reads.TOGETHER + 1)]
        begun = asyncio.get_running_loop().time()
        while len(most) <= reads.TOGETHER:
            await asyncio.sleep(0.001)
        took = asyncio.get_running_loop().time() - begun
        go_on.set()
        return took, await asyncio.gather(*tasks)

    took, answers = async_to_sync(all_of_it)()
    assert took >= reads.TURN_S / 2
    assert {status for status, _ in answers} == {200}


def test_the_body_is_there_as_a_whole_and_whoever_has_gone_is_not_answered():
    parts = ({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"})

    async def all_of_it():
        application = Reads(others, lambda scope, body: Answer(200, [], body))
        gone = await asked(application, scope(), ({"type": "http.disconnect"},))
        return gone, await asked(application, scope(), parts)

    assert async_to_sync(all_of_it)() == ((None, b""), (200, b"ab"))


def test_who_finds_no_thread_is_answered_as_other_requests_are(monkeypatch):
    monkeypatch.setattr(reads, "WAIT_S", 0.01)
    parts = ({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"},
             {"type": "http.disconnect"})
    seen = []

    async def other(scope, receive, send):
        seen.extend([await receive(), await receive()])
        await others(scope, sent_nothing, send)

    async def all_of_it():
        return await asked(Reads(other, in_thread, threads=0), scope(), parts)

    assert async_to_sync(all_of_it)() == (299, b"another way")
    assert seen == [{"type": "http.request", "body": b"ab", "more_body": False}, {"type": "http.disconnect"}]


async def sent_nothing():
    return {"type": "http.request", "body": b""}


def test_requests_that_take_long_keep_no_thread_from_the_others(monkeypatch):
    monkeypatch.setattr(reads, "WAIT_S", 0.2)
    free = threading.Event()

    def handle(scope, body):
        assert scope["path"] == LIST or free.wait(20)
        return in_thread(scope, body)

    async def all_of_it():
        application = Reads(others, handle, threads=2)
        slow = [asyncio.create_task(asked(application, scope("/api/v1/applications/MS/messages"))) for _ in range(2)]
        await asyncio.sleep(0)
        # The first waits for as long as they may keep their threads; there are other ones then.
        _, *quick = [await asked(application, scope()) for _ in range(3)]
        free.set()
        return [*quick, *await asyncio.gather(*slow)]

    found = async_to_sync(all_of_it)()
    assert {status for status, _ in found} == {200}
    assert found[0][1] == found[1][1] not in {thread for _, thread in found[2:]}


def test_whoever_sends_slowly_keeps_no_thread():
    async def all_of_it():
        application, whole = Reads(others, in_thread, threads=1), asyncio.Event()

        async def receive():
            await whole.wait()
            return {"type": "http.request", "body": b""}

        async def send(message):
            sent.append(message)

        sent: list[dict] = []
        slow = asyncio.create_task(application(scope(), receive, send))
        await asyncio.sleep(0)
        found = await asked(application, scope())
        whole.set()
        await slow
        return found[0], sent[0]["status"]

    assert async_to_sync(all_of_it)() == (200, 200)


@pytest.mark.django_db(databases=["default", "control", "log"])
def test_a_thread_keeps_its_database_open_for_a_while_and_not_after_a_fault(monkeypatch):
    monkeypatch.setattr(reads, "KEPT_S", 0.2)
    used = []

    def handle(scope, body):
        used.append(connections["log"])
        used[-1].ensure_connection()
        used[-1].errors_occurred = bool(body)
        return Answer(200, [], b"")

    async def all_of_it():
        reader = Reader()
        await reader.do(handle, scope(), b"")
        was_kept = used[0].connection is not None
        await asyncio.to_thread(wait_for, lambda: used[0].connection is None, 10)
        await reader.do(handle, scope(), b"a fault")
        return was_kept, used[1].connection

    assert async_to_sync(all_of_it)() == (True, None)


def test_an_address_that_is_no_utf_8_is_not_read():
    assert answer(scope(query=b"text=\xff"), b"").status == 400
