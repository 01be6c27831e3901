"""Keeps the hosts' accounts at the Redis broker as they should be (``rules.broker_access``).

Accounts live in the server's memory: one that was restarted or replaced has none of them. So they are compared and set
anew by the console worker, and at once when a host joins, changes or goes.
"""

import logging

import redis
from django.conf import settings
from django.utils import timezone
from redis.backoff import NoBackoff
from redis.lock import Lock
from redis.retry import Retry

from provisioning.models import ComponentHeartbeat, Host
from provisioning.rules import broker_access as rules
from provisioning.rules.broker_access import Account

from . import refusals

log = logging.getLogger(__name__)
TIMEOUT_S = 2.0
LOOK_BACK_MS = 60_000
NETWORK_SCHEMES = ("redis", "rediss")


class NotPermitted(Exception):
    """The console's own credential may not manage accounts there, or the server is too old. The text says which."""


def is_reached_by_hosts() -> bool:
    """True when the broker is a Redis on the network; one on a Unix socket is for this account of this machine only."""
    if settings.PAIRWISE_BROKER_URL:
        return False
    return bool(settings.EMBEDDED_REDIS_PASSWORD) or settings.PAIRWISE_REDIS_URL.partition("://")[0] in NETWORK_SCHEMES


def keep() -> int:
    """Set what is missing or differs, delete what is left over; how many accounts were touched.

    Raises NotPermitted, RedisError.
    """
    if not is_reached_by_hosts():
        return 0
    with _client() as client:
        prefix = rules.prefix_of(settings.SECRET_KEY)
        try:
            _require_version(client)
            # kombu gives its lock back by a script, which hosts may run and not load.
            client.script_load(Lock.LUA_RELEASE_SCRIPT)
            # Listed before the hosts are read: an account that another process sets meanwhile is not set back.
            listed = client.acl_list()
            wanted = [_account(host, client) for host in Host.objects.filter(enabled=True, left_at=None)]
            missing, left_over = rules.differing(wanted, listed, prefix=prefix)
            for account in missing:
                client.execute_command("ACL", "SETUSER", account.name, *account.rules)
                _cut(client, account.name)
            if left_over:
                # Redis ends their connections with them.
                client.acl_deluser(*left_over)
        except redis.ResponseError as error:
            raise NotPermitted(f"Redis does not let the console manage accounts: {error}") from None
    if missing or left_over:
        log.info("accounts of hosts at the broker: %d set, %d deleted", len(missing), len(left_over))
    return len(missing) + len(left_over)


class Denials:
    """Records what hosts tried at the broker and may not. What was looked at last, in ms of the server's clock, is in
    the database: several processes take turns. The first look goes back LOOK_BACK_MS."""

    NAME = "broker-denials"

    def record(self) -> int:
        """Events on the hosts' timelines for what is new; how many. Raises RedisError."""
        if not is_reached_by_hosts():
            return 0
        prefix = rules.prefix_of(settings.SECRET_KEY)
        row = ComponentHeartbeat.objects.filter(name=self.NAME).first()
        with _client() as client:
            now = client.time()[0] * 1000
            until = min(row.facts["until"], now) if row else now - LOOK_BACK_MS
            try:
                entries = [each for each in client.acl_log() if each["timestamp-last-updated"] > until]
            except redis.ResponseError:
                return 0  # not for us to see
        ComponentHeartbeat.objects.update_or_create(name=self.NAME, defaults={"at": timezone.now(), "facts": {
            "until": max((each["timestamp-last-updated"] for each in entries), default=until)}})
        own = [each for each in entries if each["username"].startswith(prefix)]
        hosts = Host.objects.in_bulk([int(each["username"].removeprefix(prefix)) for each in own])
        return sum(_record_denial(hosts.get(int(each["username"].removeprefix(prefix))), each) for each in own)


def _record_denial(host: Host | None, entry: dict) -> bool:
    if host is None:
        return False
    what = "logged in with a wrong password" if entry["reason"] == "auth" else \
        f"asked for the {entry['reason']} {entry['object'][:100]!r}"
    return refusals.record(host=host, kind="broker", text=(
        f"Somebody with the account of host {host.name} {what} at the broker, which refused it."))


denials = Denials()


def url_for(host: Host, url: str) -> str:
    """``url`` of the broker as ``host`` is to use it: with an account of its own, where there can be one."""
    if not is_reached_by_hosts():
        return url
    try:
        keep()
    except NotPermitted as error:
        log.warning("host %s gets the console's own credential for the broker: %s", host.name, error)
        return url
    except (redis.RedisError, OSError) as error:
        log.warning("the account of host %s will be made when the broker answers: %s", host.name, error)
    with _client() as client:
        return rules.with_account(url, _account(host, client))


def why_shared() -> str:
    """"" when every host has an account of its own, else why all use the console's. Raises RedisError.

    Changes nothing.
    """
    if not is_reached_by_hosts():
        return ""
    with _client() as client:
        try:
            _require_version(client)
            client.acl_list()
            said = client.execute_command("ACL", "DRYRUN", client.acl_whoami(), "ACL", "SETUSER", "pairwise", "reset")
        except redis.ResponseError as error:
            return str(error)
        except NotPermitted as error:
            return str(error)
    text = said.decode() if isinstance(said, bytes) else str(said)
    return "" if text == "OK" else text


def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.PAIRWISE_REDIS_URL, socket_timeout=TIMEOUT_S,
                                socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0))


def _account(host: Host, client: redis.Redis) -> Account:
    database = int(client.get_connection_kwargs().get("db", 0) or 0)
    return rules.account(prefix=rules.prefix_of(settings.SECRET_KEY), host_id=host.pk, host_name=host.name,
                         secret=host.secret, database=database)


def _require_version(client: redis.Redis) -> None:
    version = str(client.info("server").get("redis_version", "0"))
    if int(version.partition(".")[0] or 0) < rules.LEAST_VERSION:
        raise NotPermitted(f"It is Redis {version}; accounts for hosts need Redis {rules.LEAST_VERSION} or Valkey.")


def _cut(client: redis.Redis, name: str) -> None:
    """Connections outlive a change of their account's password."""
    client.execute_command("CLIENT", "KILL", "USER", name)
