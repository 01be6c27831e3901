"""Fifty programs edit, start, stop and switch over the same objects at the same time: no update is lost, no second job
is made, and nobody is answered with a fault."""

import http.client
import json
import random
import threading
import time
from urllib.parse import urlsplit

import pytest

from bench._local_pair import LocalPair

from .applications import installed
from .harness import PATIENCE, wait_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
CLIENTS, ROUNDS, TRIES = 50, 3, 20
TIMEOUT_S, AGAIN_S = 120 * PATIENCE, 0.05


class Client:
    """A program with a token; ``seen`` is what it asked for, and the status of the answer."""

    def __init__(self, address: str, token: str, number: int, seen: list):
        where = urlsplit(address)
        self.connection = http.client.HTTPConnection(where.hostname, where.port, timeout=TIMEOUT_S)
        self.token, self.number, self.seen, self.random = token, number, seen, random.Random(number)

    def ask(self, method: str, path: str, body=None, **headers):
        """(status, body, headers)."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, {
            "Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **named})
        answer = self.connection.getresponse()
        content = answer.read()
        self.seen.append((method, path.partition("?")[0], answer.status))
        return answer.status, json.loads(content) if content else None, answer.headers

    def count_up(self, name: str) -> None:
        """Read a number, write one more; again until nobody else was faster."""
        while True:
            status, read, headers = self.ask("GET", f"/applications/{name}")
            if status == 200:
                status, read, _ = self.ask("PATCH", f"/applications/{name}", {"description": str(
                    int(read["description"]) + 1)}, If_Match=headers["ETag"])
                if status == 200:
                    return
            assert status in (412, 503), read
            time.sleep(self.random.random() * AGAIN_S)

    def work(self, pair: LocalPair) -> None:
        for _ in range(ROUNDS):
            self.count_up("Counted")
            self.ask("POST", f"/applications/Counted/{self.random.choice(('start', 'stop', 'restart'))}")
            self.ask("POST", f"/pairs/{pair.names[0]}/switch-over", {"to": self.random.choice(pair.names)})
        for _ in range(TRIES):
            if self.ask("POST", "/applications/Counted/clone", {"name": "Once"}, Idempotency_Key="one clone")[0] == 201:
                return
            time.sleep(self.random.random())


def test_fifty_programs_lose_no_update_and_make_no_second_job(make_pairwise, request):
    run = make_pairwise().start()
    token = run.manage("tokens", "add", "robot", "--role", "Administrator").stdout.strip()
    installed(run, "Counted", description="0")
    pair = LocalPair(run, "Together")
    seen: list[tuple[str, str, int]] = []
    watcher = Client(run.address, token, CLIENTS, seen)
    request.addfinalizer(watcher.connection.close)
    first = watcher.ask("GET", "/applications/Counted")[1]["revision"]
    # While the others work the console closes what is idle.
    watcher.connection.close()
    faults = _all_at_once([Client(run.address, token, number, seen) for number in range(CLIENTS)], pair)
    assert faults == []
    assert [each for each in seen if each[2] >= 500 and each[2] != 503] == []
    _, counted, _ = watcher.ask("GET", "/applications/Counted")
    edits = CLIENTS * ROUNDS
    assert (counted["description"], counted["revision"]) == (str(edits), first + edits)
    assert seen.count(("PATCH", "/applications/Counted", 200)) == edits
    _jobs_came_one_after_the_other(watcher, seen)
    _was_cloned_once(watcher, seen)
    wait_for(lambda: pair.facts()["in_sync"], 60, "a whole pair")


def _all_at_once(clients: list[Client], pair: LocalPair) -> list[BaseException]:
    faults: list[BaseException] = []
    together = threading.Barrier(len(clients))

    def work(client: Client) -> None:
        try:
            together.wait(TIMEOUT_S)
            client.work(pair)
        except BaseException as error:
            faults.append(error)
        finally:
            client.connection.close()

    threads = [threading.Thread(target=work, args=[client], daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S * 4)
    assert not any(thread.is_alive() for thread in threads)
    return faults


def _jobs_came_one_after_the_other(watcher: Client, seen: list) -> None:
    def ended() -> list[dict] | None:
        found = watcher.ask("GET", "/jobs?application=Counted&limit=1000&sort=created")[1]["items"]
        return None if any(job["active"] for job in found) else found

    jobs = [job for job in wait_for(ended, 120, "the end of all jobs") if job["kind"] != "install"]
    told = [status for method, path, status in seen if method == "POST"
            and path.rpartition("/")[2] in ("start", "stop", "restart")]
    done = [status for status in told if status in (200, 202)]
    # Whoever was answered with 503 was told that nobody knows whether it was done.
    assert 0 < len(done) <= len(jobs) <= len(done) + told.count(503)
    ends = [job["finished_at"] for job in jobs]
    begins = [job["created_at"] for job in jobs]
    assert all(end <= begin for end, begin in zip(ends, begins[1:], strict=False)), list(zip(begins, ends, strict=True))


def _was_cloned_once(watcher: Client, seen: list) -> None:
    rows = watcher.ask("GET", "/applications?limit=1000")[1]["items"]
    assert len([row for row in rows if row["name"] == "Once"]) == 1
    answers = {status for method, path, status in seen if path == "/applications/Counted/clone"}
    assert answers <= {201, 409, 503}
    assert 201 in answers
