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

from .access import connect, has_accounts

log = logging.getLogger(__name__)
EVERY_S, HOSTS_A_LOOK = 2.0, 250
"""Between two looks; of so many hosts one of them asks how large their keys are."""
STRANGER_S, STRANGERS_MAX = 5, 256
"""How long, and how many at once, may be connected without having logged in."""
KEY_BYTES_MAX = 64 * 1024 ** 2
"""Of one key that the account of a host may write."""
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
            self._client = client = self._client or connect()
            return [*self._strangers(client), *self._keys(client, hosts), *self._answers(client, hosts)]
        except (redis.RedisError, OSError) as error:
            log.info("the broker could not be looked after: %s", error)
            self.close()
            return []

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _strangers(self, client: redis.Redis) -> Iterator[Word]:
        """At a Redis of its own the console connects by its socket, and hosts by accounts of theirs."""
        if not settings.EMBEDDED_REDIS_PASSWORD:
            return
        found = sorted((each for each in client.client_list(_type="normal") if _is_stranger(each)),
                       key=lambda each: int(each["age"]))
        ended = [each for place, each in enumerate(found)
                 if int(each["age"]) >= STRANGER_S or place >= STRANGERS_MAX]
        if not ended:
            return
        with client.pipeline(transaction=False) as pipe:
            for each in ended:
                pipe.execute_command("CLIENT", "KILL", "ID", each["id"])
            pipe.execute(raise_on_error=False)
        yield Word("", "broker strangers", f"{len(ended)} connections to the broker that had not logged in were ended, "
                                           f"one of them from {ended[-1]['addr'].rpartition(':')[0]}.")

    def _keys(self, client: redis.Redis, hosts: Sequence[str]) -> Iterator[Word]:
        hosts, first = sorted(hosts), self._place if self._place < len(hosts) else 0
        self._place = first + HOSTS_A_LOOK
        named = [(host, key) for host in hosts[first:self._place] for key in rules.keys_of(host)]
        sizes = _sizes(client, [key for _, key in named])
        for (host, key), size in zip(named, sizes, strict=True):
            if size > KEY_BYTES_MAX:
                client.unlink(key)
                yield Word(host, "broker memory", (
                    f"The account of host {host} had put {size // 1024 ** 2} MB into the key {key!r} of the broker, "
                    "which was deleted. Jobs that waited there are sent again."))

    def _answers(self, client: redis.Redis, hosts: Sequence[str]) -> Iterator[Word]:
        """Answers that nobody fetches would stay for ever."""
        by_suffix = {rules.answers_of(host).lstrip("*"): host for host in hosts}
        found: dict[str, list[bytes]] = {}
        for key in client.scan_iter(match=rules.answers_of("*"), count=1000):
            _, mark, rest = key.decode(errors="replace").partition(".reply.")
            if (host := by_suffix.get(mark + rest)) is not None:
                found.setdefault(host, []).append(key)
        for host, keys in found.items():
            with client.pipeline(transaction=False) as pipe:
                for key in keys:
                    pipe.expire(key, ANSWER_S, nx=True)
                pipe.execute()
            if (size := sum(_sizes(client, keys))) > ANSWERS_BYTES_MAX:
                client.unlink(*keys)
                yield Word(host, "broker memory", (
                    f"The account of host {host} had put {size // 1024 ** 2} MB of answers that nobody asked for into "
                    "the broker, which were deleted."))


def _sizes(client: redis.Redis, keys: Sequence[str | bytes]) -> list[int]:
    """In bytes; every element counts, as who fills a key may choose which ones are large."""
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.memory_usage(key, samples=0)
        return [size or 0 for size in pipe.execute()]


def _is_stranger(client: dict) -> bool:
    """True of a connection by the network that never logged in. Redis shows it as one of the account ``default``; it
    cannot say which library it is before it has logged in, but give itself a name at Redis 7.0."""
    return client["user"] == "default" and "U" not in client["flags"] and not client.get("lib-name")
