"""Keeps room at the Redis broker: from those who have not logged in, and from a host that fills it.

It runs in the thread that reads reports and on a connection that it keeps, as a server that is full takes neither a
task of Celery nor another connection.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import redis
from django.conf import settings

from provisioning.broker import rules

from .access import connect, database_of, has_accounts

log = logging.getLogger(__name__)
EVERY_S, HOSTS_A_LOOK = 2.0, 250
"""Between two looks; of so many hosts one of them asks how large their keys are."""
STRANGER_S, STRANGERS_MAX = 5, 256
"""How long, and how many at once, may be connected without having logged in."""
KEYS_BYTES_MAX = 64 * 1024 ** 2
"""Of all keys that the account of a host may write, in all databases."""
ANSWERS_BYTES_MAX = 4 * 1024 ** 2
"""Of all answers of a host to who asked its mailbox; nobody waits for one for longer than ANSWER_S."""
ANSWER_S = 60


@dataclass(frozen=True)
class Word:
    """What is to be recorded: ``host`` is a name, "" when it is of none."""

    host: str
    kind: str
    text: str


class Guard:
    def __init__(self, *, clock: Callable[[], float] = time.monotonic):
        self._clock, self._next_at = clock, float("-inf")
        self._client: redis.Redis | None = None
        self._place = 0

    def look(self, hosts: Sequence[str]) -> list[Word]:
        """End and delete what is too much, once in EVERY_S; what is to be said of it. A broker that is away is left to
        others."""
        if self._clock() < self._next_at or not has_accounts():
            return []
        self._next_at = self._clock() + EVERY_S
        try:
            databases = self._databases()
            return [*self._strangers(), *self._keys(hosts, databases), *self._answers(hosts, databases)]
        except (redis.RedisError, OSError) as error:
            log.info("the broker could not be looked after: %s", error)
            self.close()
            return []

    @property
    def _redis(self) -> redis.Redis:
        self._client = self._client or connect()
        return self._client

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _strangers(self) -> Iterator[Word]:
        """At a Redis of its own the console connects by its socket, and hosts by accounts of theirs."""
        if not settings.EMBEDDED_REDIS_PASSWORD:
            return
        found = sorted((each for each in self._redis.client_list(_type="normal") if _is_stranger(each)),
                       key=lambda each: int(each["age"]))
        ended = [each for place, each in enumerate(found)
                 if int(each["age"]) >= STRANGER_S or place >= STRANGERS_MAX]
        if not ended:
            return
        with self._redis.pipeline(transaction=False) as pipe:
            for each in ended:
                pipe.execute_command("CLIENT", "KILL", "ID", each["id"])
            pipe.execute(raise_on_error=False)
        yield Word("", "broker strangers", f"{len(ended)} connections to the broker that had not logged in were ended, "
                                           f"one of them from {ended[-1]['addr'].rpartition(':')[0]}.")

    def _databases(self) -> list[int]:
        """Those that an account of a host reaches: all that hold something, where the broker is not in the first."""
        own = database_of(self._redis)
        found = {int(name.removeprefix("db")) for name in self._redis.info("keyspace")} if own else ()
        return sorted({own, *found})

    def _keys(self, hosts: Sequence[str], databases: Sequence[int]) -> Iterator[Word]:
        hosts, first = sorted(hosts), self._place if self._place < len(hosts) else 0
        self._place = first + HOSTS_A_LOOK
        named = [(host, key) for host in hosts[first:self._place] for key in rules.keys_of(host)]
        found: dict[str, list[tuple[int, str, int]]] = {}
        for database in databases:
            for (host, key), size in zip(named, self._sizes(database, [key for _, key in named]), strict=True):
                found.setdefault(host, []).append((size, key, database))
        for host, keys in found.items():
            left = sum(size for size, *_ in keys)
            for size, key, database in sorted(keys, reverse=True):
                if left <= KEYS_BYTES_MAX:
                    break
                left -= size
                self._in(database, ("UNLINK", key))
                yield Word(host, "broker memory", (
                    f"The account of host {host} had put {size // 1024 ** 2} MB into the key {key!r} of the broker, "
                    "which was deleted. Jobs that waited there are sent again."))

    def _answers(self, hosts: Sequence[str], databases: Sequence[int]) -> Iterator[Word]:
        """Answers that nobody fetches would stay for ever."""
        by_suffix = {rules.answers_of(host).lstrip("*"): host for host in hosts}
        for database in databases:
            found: dict[str, list[bytes]] = {}
            for key in self._matching(database, rules.answers_of("*")):
                _, mark, rest = key.decode(errors="replace").partition(".reply.")
                if (host := by_suffix.get(mark + rest)) is not None:
                    found.setdefault(host, []).append(key)
            for host, keys in found.items():
                self._in(database, *(("EXPIRE", key, ANSWER_S, "NX") for key in keys))
                if (size := sum(self._sizes(database, keys))) > ANSWERS_BYTES_MAX:
                    self._in(database, ("UNLINK", *keys))
                    yield Word(host, "broker memory", (
                        f"The account of host {host} had put {size // 1024 ** 2} MB of answers that nobody asked for "
                        "into the broker, which were deleted."))

    def _matching(self, database: int, pattern: str) -> Iterator[bytes]:
        place = None
        while place != 0:
            [(place, keys)] = self._in(database, ("SCAN", place or 0, "MATCH", pattern, "COUNT", 1000))
            yield from keys

    def _sizes(self, database: int, keys: Sequence[str | bytes]) -> list[int]:
        """In bytes; every element counts, as who fills a key may choose which ones are large."""
        return [size or 0 for size in self._in(database, *(("MEMORY", "USAGE", key, "SAMPLES", 0) for key in keys))]

    def _in(self, database: int, *commands: tuple) -> list:
        """What is answered to ``commands`` in that database, on the connection that is kept."""
        own = database_of(self._redis)
        around = [[("SELECT", number)] if database != own else [] for number in (database, own)]
        with self._redis.pipeline(transaction=False) as pipe:
            for name, *words in (*around[0], *commands, *around[1]):
                pipe.execute_command(name, *words)
            answers = pipe.execute()
        return answers[len(around[0]):len(answers) - len(around[1])]


def _is_stranger(client: dict) -> bool:
    """True of a connection by the network that never logged in. Redis shows it as one of the account ``default``; it
    cannot say which library it is before it has logged in, but give itself a name at Redis 7.0."""
    return client["user"] == "default" and "U" not in client["flags"] and not client.get("lib-name")
