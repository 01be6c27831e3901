"""Where reports of hosts wait, one queue for each host: at Redis without kombu, which would believe what a message says
of itself, or at RabbitMQ. A report leaves its queue only when it was dealt with."""

import contextlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import redis
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.message import Message

from protocol.jobs import REPORT_BYTES_MAX, REPORTS_BYTES_MAX, REPORTS_MAX, bounded_queue, reports_queue
from provisioning.jobs.rules.report_messages import NoReport, enclosed, opened

from .report_bell import Bell

EACH = 8
"""Messages of one host that are taken at a time."""
TOGETHER_BYTES = 32 * 1024 * 1024
LEASE, LEASE_MS = "pairwise:reports:reader", 5_000
"""Of several console workers one reads; another goes on when it has not been there for so long."""


@dataclass
class Taken:
    """Of one host, the oldest first. ``lost`` of them were too many or too large, and are gone."""

    messages: list[Callable[[], tuple[dict, str]]] = field(default_factory=list)
    lost: int = 0


class Queues(Protocol):
    """Messages are functions that open them: (report, signature), or NoReport."""

    def take(self, hosts: Sequence[str]) -> dict[str, Taken]:
        """What waits, of hosts of which something does, in the order of ``hosts``."""

    def done(self, host: str) -> None:
        """The oldest message of ``host`` that was taken was dealt with."""

    def give_back(self) -> None:
        """What was taken and not done waits again."""

    def forget(self, host: str) -> None:
        """There is no such host any more."""

    def told(self, within_s: float) -> bool | None:
        """Whether something was added to a queue since it was last asked, or is within so long; None where the broker
        does not tell, and that at once."""

    def close(self) -> None:
        """Another one may read at once."""


_TAKE = """
local reader = redis.call('GET', KEYS[1])
if reader and reader ~= ARGV[1] then return {} end
-- A server whose memory is full takes no SET, and is to be emptied.
if reader then redis.call('PEXPIRE', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
local each, size_max, depth_max = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local bytes_max, room, found = tonumber(ARGV[6]), tonumber(ARGV[7]), {}
for place = 2, #KEYS do
    local key, lost = KEYS[place], 0
    local depth = redis.pcall('LLEN', key)
    if type(depth) ~= 'number' then
        redis.call('DEL', key)
        depth, lost = 0, 1
    end
    if depth > 0 then
        local bytes = redis.pcall('MEMORY', 'USAGE', key)
        local kept = depth_max
        if type(bytes) == 'number' and bytes > bytes_max then
            kept = math.min(kept, math.floor(depth * bytes_max / bytes))
        end
        if kept == 0 then redis.call('DEL', key) elseif depth > kept then redis.call('LTRIM', key, -kept, -1) end
        lost = math.max(0, depth - kept)
    end
    local one = {place - 1, lost}
    if depth > lost and room > 0 then
        local messages = redis.call('LRANGE', key, -each, -1)
        for number = #messages, 1, -1 do
            if room <= 0 then break end
            if #messages[number] <= size_max then
                one[#one + 1] = messages[number]
                room = room - #messages[number]
            elseif #one == 2 then
                redis.call('RPOP', key)
                one[2] = one[2] + 1
            else
                break
            end
        end
    end
    if #one > 2 or one[2] > 0 then found[#found + 1] = one end
end
return found
"""
_DONE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    redis.call('RPOP', KEYS[2])
end
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class RedisQueues:
    """Messages stay in their lists until they are done. Of too many the newest go, as reports are taken in order."""

    def __init__(self, client: redis.Redis):
        self._client, self._name = client, uuid.uuid4().hex
        self._take, self._done, self._release = (client.register_script(text) for text in (_TAKE, _DONE, _RELEASE))
        self._bell = Bell(client)

    def take(self, hosts: Sequence[str]) -> dict[str, Taken]:
        limits = (EACH, REPORT_BYTES_MAX, REPORTS_MAX, REPORTS_BYTES_MAX, TOGETHER_BYTES)
        found = self._take([LEASE, *map(reports_queue, hosts)], [self._name, LEASE_MS, *limits])
        return {hosts[place - 1]: Taken([partial(enclosed, raw) for raw in raws], lost)
                for place, lost, *raws in found}

    def done(self, host: str) -> None:
        self._done([LEASE, reports_queue(host)], [self._name, LEASE_MS])

    def give_back(self) -> None:
        """They never left."""

    def forget(self, host: str) -> None:
        self._client.delete(reports_queue(host))

    def told(self, within_s: float) -> bool | None:
        return self._bell.rings(within_s)

    def close(self) -> None:
        with contextlib.suppress(redis.RedisError, OSError):
            self._release([LEASE], [self._name])
        self._bell.close()
        self._client.close()


class RabbitQueues:
    """Messages that were taken are not acknowledged until they are done. RabbitMQ itself refuses what is too much."""

    def __init__(self, connect: Callable[[], Connection]):
        self._connect = connect
        self._connection: Connection | None = None
        self._declared: set[str] = set()
        self._taken: dict[str, list] = {}

    def take(self, hosts: Sequence[str]) -> dict[str, Taken]:
        room = TOGETHER_BYTES
        self._connection = self._connection or self._connect()
        for host in hosts:
            queue = Queue(reports_queue(host), queue_arguments=bounded_queue())(self._connection.default_channel)
            if host not in self._declared:
                queue.declare()
                self._declared.add(host)
            if got := self._get(queue, room):
                self._taken[host] = got
                room -= sum(len(each.body) for each in got)
            if room <= 0:
                break
        return {host: Taken([partial(_opened, each) for each in got]) for host, got in self._taken.items()}

    def _get(self, queue: Queue, room: int) -> list[Message]:
        """Messages of ``queue`` until they hold more than ``room`` bytes; what they say of themselves is not believed
        here, as ``queue.get`` would not give what it cannot read, and it would wait for ever."""
        channel = queue.channel
        got: list[Message] = []
        while len(got) < EACH and room > 0 and (raw := channel.basic_get(queue=queue.name)) is not None:
            got.append(channel.message_to_python(raw))
            room -= len(got[-1].body)
        return got

    def done(self, host: str) -> None:
        self._taken[host].pop(0).ack()

    def give_back(self) -> None:
        left, self._taken = self._taken, {}
        for message in (each for got in left.values() for each in got):
            message.requeue()

    def forget(self, host: str) -> None:
        self._declared.discard(host)
        if self._connection is not None:
            self._connection.default_channel.queue_delete(reports_queue(host))

    def told(self, within_s: float) -> bool | None:
        return None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        self._declared, self._taken = set(), {}
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()


def _opened(message: Message) -> tuple[dict, str]:
    """(report, signature). Raises NoReport."""
    if message.errors:
        raise NoReport("It is compressed or cannot be read, and a host sends none that is.")
    return opened(message.headers.get("task"), _bytes(message.body))


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body
