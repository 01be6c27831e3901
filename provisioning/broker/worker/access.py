"""Keeps the hosts' accounts at the Redis broker as they should be (``broker.rules``).

Accounts live in the server's memory: one that was restarted or replaced has none of them. So they are compared and set
anew by the console worker, and at once when a host joins, changes or goes.
"""

import logging
from typing import cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.lock import Lock
from redis.retry import Retry

from provisioning.broker import rules
from provisioning.broker.rules import Account
from provisioning.broker.selectors import NOTE, why_not_at_rabbitmq
from provisioning.core import refusals
from provisioning.models import ComponentHeartbeat, Console, Host
from provisioning.states import EventLevel

log = logging.getLogger(__name__)
TIMEOUT_S = 2.0
LOOK_BACK_MS, SLACK_MS = 60_000, 50
NETWORK_SCHEMES = ("redis", "rediss")


class NotPermitted(Exception):
    """No account for hosts can be made there. The text says why and what to do, in sentences."""


def has_accounts() -> bool:
    """True when the broker is a Redis on the network or one that asks for a password; any other on a Unix socket is
    for this account of this machine only."""
    if settings.PAIRWISE_BROKER_URL:
        return False
    url, listens = settings.PAIRWISE_REDIS_URL, bool(settings.EMBEDDED_REDIS_PASSWORD)
    return listens or url.partition("://")[0] in NETWORK_SCHEMES or rules.has_account(url)


def keep() -> int:
    """Set what is missing or differs, delete what is left over; how many accounts were touched.

    Raises NotPermitted, RedisError.
    """
    with connect() as client:
        return _keep(client)


def _keep(client: redis.Redis) -> int:
    if why := _none_at_rabbitmq():
        raise NotPermitted(why)
    if not has_accounts():
        return 0
    prefix = Console.this().broker_prefix
    try:
        known = known_commands(client)
        # kombu gives its lock back by a script, which hosts may run and not load.
        client.script_load(Lock.LUA_RELEASE_SCRIPT)
        # Listed before the hosts are read: an account that another process sets meanwhile is not set back.
        listed = cast("list[str]", client.acl_list())
        wanted = [_account(host, client, prefix, known) for host in Host.objects.filter(enabled=True, left_at=None)]
        unlike, left_over = rules.differing(wanted, listed, prefix=prefix)
        for account in unlike:
            client.execute_command("ACL", "SETUSER", account.name, *account.rules)
            _cut(client, account.name)
        if left_over:
            # Redis ends their connections with them.
            client.acl_deluser(*left_over)
    except redis.ResponseError as error:
        raise _refused_by(error) from None
    if unlike or left_over:
        log.info("accounts of hosts at the broker: %d set, %d deleted", len(unlike), len(left_over))
    return len(unlike) + len(left_over)


def keep_and_note() -> None:
    """Keep, and leave for the pages what stands against it, and which server it is (``broker.selectors``).

    Raises RedisError."""
    why = ""
    with connect() as client:
        try:
            _keep(client)
            denials.record(client)
        except NotPermitted as error:
            why = str(error)
        facts = {"why": why, **_server(client)}
    if ComponentHeartbeat.objects.filter(name=NOTE, facts=facts).exists():
        return
    ComponentHeartbeat.show(NOTE, **facts)
    if why:
        log.warning("%s", why)


def _server(client: redis.Redis) -> dict[str, str]:
    facts = client.info("server")
    return {"server": rules.server_name(facts), "program": str(facts.get("executable", ""))}


class Denials:
    """Records what hosts tried at the broker and may not. What was looked at last, in ms of the server's clock, is in
    the database: several processes take turns. The first look goes back LOOK_BACK_MS."""

    NAME = "broker-denials"

    def record(self, client: redis.Redis) -> int:
        """Events on the hosts' timelines for what is new; how many. Raises RedisError."""
        if not has_accounts():
            return 0
        prefix = Console.this().broker_prefix
        row = ComponentHeartbeat.objects.filter(name=self.NAME).first()
        seconds, micros = client.time()
        now = seconds * 1000 + micros // 1000
        until = min(row.facts["until"], now) if row else now - LOOK_BACK_MS
        try:
            entries = [(_denied_at(each, now), each) for each in client.acl_log()]
        except redis.ResponseError:
            return 0  # not for us to see
        new = [(at, each) for at, each in entries if at > until + SLACK_MS]
        ComponentHeartbeat.show(self.NAME, until=max((at for at, _ in new), default=until))
        # Anybody may try to log in under a name that only looks like one.
        named = [(int(number) if (number := _number_of(str(each["username"]), prefix)).isdecimal() else None, each)
                 for _, each in new]
        hosts = Host.objects.in_bulk([number for number, _ in named if number is not None])
        return sum(_record_denial(hosts.get(number), each, prefix) for number, each in named)


def _number_of(username: str, prefix: str) -> str:
    """What an account of this console is named after; "" of any other one."""
    # No key of the database is longer.
    number = username.removeprefix(prefix)
    return number if number != username and number.isascii() and len(number) <= 18 else ""


def _denied_at(entry: dict, now: int) -> int:
    """When, in ms of the server's clock. Redis 7.0 says only how long ago, which comes out a little differently each
    time."""
    said = entry.get("timestamp-last-updated")
    return now - round(float(entry["age-seconds"]) * 1000) if said is None else said


def _record_denial(host: Host | None, entry: dict, prefix: str) -> bool:
    if host is None:
        return _record_guess(entry, prefix)
    what = "logged in with a wrong password" if entry["reason"] == "auth" else \
        f"asked for the {entry['reason']} {entry['object'][:100]!r}"
    return refusals.record(host=host, kind="broker", text=(
        f"Somebody with the account of host {host.name} {what} at the broker, which refused it."))


def _record_guess(entry: dict, prefix: str) -> bool:
    """Under a name that is no host's: of the console itself, of a host that is gone, or one that never was."""
    if entry["reason"] != "auth":
        return False
    where = str(entry.get("client-info", {}).get("addr", "")).rpartition(":")[0]
    # An agent whose host was deleted goes on trying.
    level = EventLevel.STANDARD if entry["username"].startswith(prefix) else EventLevel.ALARM
    return refusals.record(host=None, kind="broker log-in", level=level, text=(
        f"Somebody{f' at {where}' if where else ''} tried to log in at the broker as {entry['username'][:100]!r}, "
        f"which is no host's account, with a wrong password, {entry['count']} times."))


denials = Denials()


def url_for(host: Host, url: str) -> str:
    """``url`` of the broker as ``host`` is to use it: with an account of its own, whether or not that could be made by
    now. What the console itself logs in with is never in it."""
    if settings.PAIRWISE_BROKER_URL:
        addresses = rules.addresses_at_rabbitmq(settings.PAIRWISE_BROKER_URL_FOR_HOSTS)
        # One for all is still that of those who have joined with it, and of the console's own machine.
        return "" if _none_at_rabbitmq() else addresses.get(host.name, addresses.get("", ""))
    if not has_accounts():
        return rules.without_account(url)
    try:
        keep()
    except NotPermitted as error:
        log.warning("host %s has no account at the broker: %s", host.name, error)
    except (redis.RedisError, OSError) as error:
        log.warning("the account of host %s will be made when the broker answers: %s", host.name, error)
    with connect() as client:
        return rules.with_account(url, _account(host, client, Console.this().broker_prefix))


def why_no_accounts() -> str:
    """"" when hosts can be given accounts at the broker, else why not and what to do. Changes nothing.

    Raises RedisError.
    """
    if settings.PAIRWISE_BROKER_URL:
        return _none_at_rabbitmq()
    if not has_accounts():
        return ""
    with connect() as client:
        try:
            known_commands(client)
            client.acl_list()
            for wanted in (("ACL", "SETUSER", "pairwise", "reset"), ("CLIENT", "KILL", "USER", "pairwise")):
                said = client.execute_command("ACL DRYRUN", client.acl_whoami(), *wanted)
                if (text := said.decode() if isinstance(said, bytes) else str(said)) not in ("OK", "True"):
                    raise _refused_by(text)
        except redis.ResponseError as error:
            return str(_refused_by(error))
        except NotPermitted as error:
            return str(error)
    return ""


def why_not(host: Host) -> str:
    """"" when this host can be given an account of its own, else why not and what to do. Raises RedisError."""
    return why_not_at_rabbitmq(host.name) if settings.PAIRWISE_BROKER_URL else why_no_accounts()


def _none_at_rabbitmq() -> str:
    """Why no host gets in at a RabbitMQ, "" when one does or when Redis is the broker."""
    if not settings.PAIRWISE_BROKER_URL:
        return ""
    return rules.why_none_at_rabbitmq(settings.PAIRWISE_BROKER_URL, settings.PAIRWISE_BROKER_URL_FOR_HOSTS)


def _refused_by(error: redis.ResponseError | str) -> NotPermitted:
    return NotPermitted(rules.REFUSED.format(error=str(error).rstrip(".")))


def connect() -> redis.Redis:
    """A client with the console's own account."""
    return redis.Redis.from_url(settings.PAIRWISE_REDIS_URL, socket_timeout=TIMEOUT_S,
                                socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))


def _account(host: Host, client: redis.Redis, prefix: str,
             known: frozenset[str] = frozenset(rules.COMMANDS)) -> Account:
    return rules.account(prefix=prefix, host_id=host.pk, host_name=host.name,
                         secret=host.secret, database=database_of(client), known=known)


def database_of(client: redis.Redis) -> int:
    """The number of the database that it uses."""
    return int(client.get_connection_kwargs().get("db", 0) or 0)


def known_commands(client: redis.Redis) -> frozenset[str]:
    """Which of the commands that accounts are about this server knows; it is asked, as its number says little.

    Raises NotPermitted."""
    asked = (*rules.NEEDED, *rules.COMMANDS)
    # One word for the client: it would not read an answer with gaps.
    told = client.execute_command("COMMAND INFO", *asked)
    known = frozenset(name for name, found in zip(asked, told, strict=True) if found)
    if lacking := rules.lacking(known):
        server, commands = rules.server_name(client.info("server")), ", ".join(sorted(lacking)).upper()
        raise NotPermitted(rules.TOO_OLD.format(server=server, commands=commands))
    return known


def _cut(client: redis.Redis, name: str) -> None:
    """Connections outlive a change of their account's password."""
    client.execute_command("CLIENT", "KILL", "USER", name)
