"""What a host may do at a Redis broker: an ACL user of its own, limited to its own keys. Pure.

The keys are those that kombu's Redis transport uses for one queue, one mailbox and what was delivered and not yet
acknowledged; ``hostagent.celery`` names them alike. Each kind of key is opened to the commands that kombu gives it and
to no other, by a selector of its own: of its reports a host may only add to the end.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from protocol.jobs import host_control, host_queue, reports_queue

_UUID = "-".join("?" * length for length in (8, 4, 4, 4, 12))
OPTIONAL = frozenset({"client|setinfo"})
"""Clients ask for it and go on without it. Redis knows it from 7.2 on."""
WITHOUT_KEYS = ("auth", "hello", "ping", "client|setinfo", "client|setname", "multi", "exec", "discard",
                "unwatch", "unsubscribe", "punsubscribe")
SELECT = "select"
"""Of accounts at another database than 0, in which every connection begins. It opens all of them: an account cannot be
kept to one, so ``broker.worker.guard`` looks at what is in the others."""


@dataclass(frozen=True)
class Grant:
    """``commands`` on the keys and channels of ``patterns``, in which ``{queue}``, ``{mailbox}``, ``{worker}``,
    ``{reports}`` and ``{database}`` are the host's."""

    commands: tuple[str, ...]
    patterns: tuple[str, ...]


GRANTS = (
    Grant(("brpop", "rpop", "lpush", "rpush", "llen", "exists"), ("~{queue}",)),
    Grant(("llen", "exists", "del"), ("~{worker}.{mailbox}",)),
    Grant(("sadd", "srem", "smembers", "exists"), tuple(
        f"~_kombu.{table}.{of}" for table in ("binding", "binding_permanent") for of in ("{queue}", "{mailbox}"))),
    Grant(("hset", "hget", "hdel", "watch"), ("~unacked.{queue}",)),
    Grant(("zadd", "zrem", "zrange", "zrevrangebyscore"), ("~unacked_index.{queue}",)),
    # No EVAL and no SCRIPT: of the scripts that the console loaded, one gives kombu's lock back.
    Grant(("set", "get", "del", "evalsha"), ("~unacked_mutex.{queue}",)),
    Grant(("subscribe", "psubscribe"), ("&/{database}.{mailbox}",)),
    # Who asked its mailbox is answered where he waits.
    Grant(("smembers",), ("%R~_kombu.binding.reply.{mailbox}",)),
    Grant(("lpush",), ("%W~{reports}", f"%W~{_UUID}.reply.{{mailbox}}")),
)
COMMANDS = tuple(dict.fromkeys((*WITHOUT_KEYS, SELECT, *(command for grant in GRANTS for command in grant.commands))))
NEEDED = ("acl|setuser", "acl|dryrun", "client|kill")
"""Besides: what the console itself asks for. DRYRUN came with selectors, which the rules are made of."""


TOO_OLD = ("Hosts cannot have accounts at the broker: it is {server}, which does not know {commands}. Use Redis 7.0 or "
           "newer, or Valkey.")
REFUSED = ("Hosts cannot have accounts at the broker: it refuses the account of PAIRWISE_REDIS_URL ({error}). Give "
           "that account the rights to ACL and CLIENT KILL.")
EACH_ITS_OWN = ("Create an account for each host at RabbitMQ and write HOST=ADDRESS of each, the address with its name "
                "and password, into PAIRWISE_BROKER_URL_FOR_HOSTS; or unset PAIRWISE_BROKER_URL, and Redis carries "
                "the jobs.")
NONE_AT_RABBITMQ = ("Pairwise creates no accounts for hosts at RabbitMQ, and the console's is not given to any. "
                    f"{EACH_ITS_OWN}")
CONSOLES_OWN = ("PAIRWISE_BROKER_URL_FOR_HOSTS names the account that the console itself uses at RabbitMQ, and that "
                f"one is given to no host. {EACH_ITS_OWN}")
SHARED = ("PAIRWISE_BROKER_URL_FOR_HOSTS names one account for all hosts, by which each could take the others' jobs "
          f"away. {EACH_ITS_OWN}")
TWICE = "PAIRWISE_BROKER_URL_FOR_HOSTS gives {host} the account that {other} has. " + EACH_ITS_OWN
NOT_NAMED = "PAIRWISE_BROKER_URL_FOR_HOSTS has no account for {host}. " + EACH_ITS_OWN


@dataclass(frozen=True)
class Account:
    """``rules`` are the arguments of ACL SETUSER, the last of them the mark by which they are known again."""

    name: str
    password: str = field(repr=False)
    rules: tuple[str, ...] = field(repr=False)

    @property
    def mark(self) -> str:
        return self.rules[-1]


def password_of(secret: str) -> str:
    """The password of a host, from its secret: a new secret is a new password."""
    return hmac.new(secret.encode(), b"pairwise broker", hashlib.sha256).hexdigest()


def lacking(known: Collection[str]) -> list[str]:
    """What a server that knows these commands lacks for accounts of hosts."""
    return [command for command in (*NEEDED, *COMMANDS) if command not in known and command not in OPTIONAL]


def server_name(facts: Mapping[str, Any]) -> str:
    """From INFO: Valkey gives the number of the Redis that it stems from, too."""
    valkey = facts.get("valkey_version")
    return f"Valkey {valkey}" if valkey else f"Redis {facts.get('redis_version', '?')}"


def account(*, prefix: str, host_id: int, host_name: str, secret: str, database: int,
            known: Collection[str] = COMMANDS) -> Account:
    """The account of a host at the Redis database of this number, on a server that knows the commands ``known``."""
    password = password_of(secret)
    hashed = hashlib.sha256(password.encode()).hexdigest()
    names = _names(host_name, database)
    without_keys = (*WITHOUT_KEYS, SELECT) if database else WITHOUT_KEYS
    # Whatever ``acl-pubsub-default`` says: no channel but those that are named.
    rules = ("reset", "resetchannels", "on", f"#{hashed}", *_allowed(without_keys, known),
             *(_selector(grant, names, known) for grant in GRANTS))
    # A key that nobody has; who lists the accounts sees by it whether this one is as it should be.
    mark = f"%R~pairwise-rules-{hashlib.sha256(' '.join(rules).encode()).hexdigest()[:16]}"
    return Account(f"{prefix}{host_id}", password, (*rules, mark))


def keys_of(host_name: str) -> list[str]:
    """The keys that the account of a host may fill, but for the answers to who asked its mailbox."""
    names = _names(host_name, 0)
    patterns = (pattern for grant in GRANTS for pattern in grant.patterns if pattern.startswith("~"))
    return [pattern[1:].format(**names) for pattern in (*patterns, "~{reports}")]


def answers_of(host_name: str) -> str:
    """Pattern of the keys in which the worker of a host answers."""
    return f"*.reply.{_names(host_name, 0)['mailbox']}"


def _names(host_name: str, database: int) -> dict[str, str | int]:
    return {"queue": host_queue(host_name), "mailbox": f"{host_control(host_name)}.pidbox",
            "worker": f"worker@{host_name}", "reports": reports_queue(host_name), "database": database}


def _allowed(commands: tuple[str, ...], known: Collection[str]) -> list[str]:
    return [f"+{command}" for command in commands if command in known]


def _selector(grant: Grant, names: Mapping[str, str | int], known: Collection[str]) -> str:
    """A host's name has nothing that is special in a pattern (hosts.rules.hosts)."""
    patterns = (pattern.format(**names) for pattern in grant.patterns)
    return f"({' '.join(('resetchannels', *patterns, *_allowed(grant.commands, known)))})"


def differing(wanted: list[Account], listed: list[str], *, prefix: str) -> tuple[list[Account], list[str]]:
    """(accounts to set, names to delete), from the lines of ACL LIST: ``user NAME on #HASH %R~MARK ...``."""
    found = {words[1]: words for line in listed if (words := line.split()) and words[1].startswith(prefix)}
    unlike = [each for each in wanted if each.mark not in found.get(each.name, ())]
    return unlike, sorted(found.keys() - {each.name for each in wanted})


def addresses_at_rabbitmq(for_hosts: str) -> dict[str, str]:
    """{host: its address with its account} of PAIRWISE_BROKER_URL_FOR_HOSTS; an address of no host in particular is
    under ""."""
    found: dict[str, str] = {}
    for word in for_hosts.split():
        host, _, address = word.partition("=")
        found |= {"": word} if "://" in host else {host: address}
    return found


def unreadable_at_rabbitmq(for_hosts: str) -> str:
    """What in PAIRWISE_BROKER_URL_FOR_HOSTS is not HOST=ADDRESS, in words without its passwords; "" when all is."""
    seen = set()
    for number, word in enumerate(for_hosts.split(), 1):
        host, equals, address = ("", "=", word) if "://" in word.partition("=")[0] else word.partition("=")
        if not (equals and "://" in address and (host or address == word)):
            return f"Entry {number} is not HOST=ADDRESS, written without blanks around the equals sign."
        if host in seen:
            return f"{host or 'An address for all hosts'} is there twice."
        seen.add(host)
    return ""


def why_none_at_rabbitmq(own: str, for_hosts: str) -> str:
    """Why no host gets in at the RabbitMQ that the console reaches by ``own``; "" when hosts use other accounts."""
    addresses = addresses_at_rabbitmq(for_hosts).values()
    if not addresses:
        return NONE_AT_RABBITMQ
    return CONSOLES_OWN if user_of(own) in map(user_of, addresses) else ""


def why_not_at_rabbitmq(own: str, for_hosts: str, host: str) -> str:
    """Why this host may not join there; "" when it has an account that is neither the console's nor another host's."""
    if why := why_none_at_rabbitmq(own, for_hosts):
        return why
    addresses = addresses_at_rabbitmq(for_hosts)
    if host not in addresses:
        return SHARED if "" in addresses else NOT_NAMED.format(host=host)
    user = user_of(addresses[host])
    other = next((name for name, address in addresses.items() if name != host and user_of(address) == user), None)
    return "" if other is None else TWICE.format(host=host, other=other or "all others")


def user_of(url: str) -> str:
    """The name by which ``url`` logs in at RabbitMQ; without one it is that of everybody."""
    return unquote(_parts(url)[1].rpartition("@")[0].partition(":")[0]) or "guest"


def has_account(url: str) -> bool:
    """True when ``url`` names an account or a password."""
    return "@" in _parts(url)[1]


def without_account(url: str) -> str:
    """``url`` without any credentials."""
    scheme, authority, path = _parts(url)
    return f"{scheme}://{authority.rpartition('@')[2]}{path}"


def with_account(url: str, found: Account) -> str:
    """``url`` with the credentials of ``found`` in the place of any that it had."""
    scheme, authority, path = _parts(url)
    return f"{scheme}://{quote(found.name)}:{quote(found.password)}@{authority.rpartition('@')[2]}{path}"


def _parts(url: str) -> tuple[str, str, str]:
    """(scheme, authority, path and query). The library's own would not keep the slashes of a socket's URL."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return scheme, authority, slash + path
