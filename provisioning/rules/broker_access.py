"""What a host may do at a Redis broker: an ACL user of its own, limited to its own queue. Pure.

The keys are those that kombu's Redis transport uses for one queue, one mailbox and what was delivered and not yet
acknowledged; ``hostagent.celery`` names them alike. Nothing of another host is among them, and of the console only the
right to add to its queue: not to read it, not to change who else gets what is sent there.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from protocol.jobs import CONSOLE_QUEUE, host_control, host_queue

LEAST_VERSION = 7
"""Redis 6 has users, but none that may write a key without reading it."""
COMMANDS = (
    "auth", "hello", "ping", "select", "client|setinfo", "client|setname",
    "brpop", "rpop", "lpush", "rpush", "llen", "del", "exists", "sadd", "srem", "smembers",
    "hset", "hget", "hdel", "zadd", "zrem", "zrange", "zrevrangebyscore", "set", "get", "expire", "pexpire",
    "multi", "exec", "discard", "watch", "unwatch", "subscribe", "psubscribe", "unsubscribe", "punsubscribe",
    # No EVAL and no SCRIPT: of the scripts that the console loaded, one gives kombu's lock back.
    "evalsha",
)
_UUID = "-".join("?" * length for length in (8, 4, 4, 4, 12))


@dataclass(frozen=True)
class Account:
    """``rules`` are the arguments of ACL SETUSER, the last of them the mark by which they are known again."""

    name: str
    password: str = field(repr=False)
    rules: tuple[str, ...] = field(repr=False)

    @property
    def mark(self) -> str:
        return self.rules[-1]


def prefix_of(secret_key: str) -> str:
    """What the names of this console's accounts begin with: several consoles may share one Redis."""
    return f"pairwise-{hashlib.sha256(b'broker accounts ' + secret_key.encode()).hexdigest()[:8]}-host-"


def password_of(secret: str) -> str:
    """The password of a host, from its secret: a new secret is a new password."""
    return hmac.new(secret.encode(), b"pairwise broker", hashlib.sha256).hexdigest()


def account(*, prefix: str, host_id: int, host_name: str, secret: str, database: int) -> Account:
    """The account of a host at the Redis database of this number."""
    password = password_of(secret)
    hashed = hashlib.sha256(password.encode()).hexdigest()
    rules = ("reset", "on", f"#{hashed}", *keys(host_name), f"&/{database}.{host_control(host_name)}.pidbox",
             *(f"+{command}" for command in COMMANDS))
    # A key that nobody has; who lists the accounts sees by it whether this one is as it should be.
    mark = f"%R~pairwise-rules-{hashlib.sha256(' '.join(rules).encode()).hexdigest()[:16]}"
    return Account(f"{prefix}{host_id}", password, (*rules, mark))


def keys(host_name: str) -> tuple[str, ...]:
    """Key rules of a host. Its name has nothing that is special in a pattern (rules.hosts)."""
    queue, control = host_queue(host_name), f"{host_control(host_name)}.pidbox"
    own = (queue, f"worker@{host_name}.{control}",
           *(f"_kombu.{table}.{of}" for table in ("binding", "binding_permanent") for of in (queue, control)),
           *(f"{name}.{queue}" for name in ("unacked", "unacked_index", "unacked_mutex")))
    return (*(f"~{key}" for key in own), f"%R~_kombu.binding.reply.{control}", f"%W~{_UUID}.reply.{control}",
            f"%W~{CONSOLE_QUEUE}")


def differing(wanted: list[Account], listed: list[str], *, prefix: str) -> tuple[list[Account], list[str]]:
    """(accounts to set, names to delete), from the lines of ACL LIST: ``user NAME on #HASH %R~MARK ...``."""
    found = {words[1]: words for line in listed if (words := line.split()) and words[1].startswith(prefix)}
    missing = [each for each in wanted if each.mark not in found.get(each.name, ())]
    return missing, sorted(found.keys() - {each.name for each in wanted})


def with_account(url: str, found: Account) -> str:
    """``url`` with the credentials of ``found`` in the place of any that it had."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(found.name)}:{quote(found.password)}@{address}"))
