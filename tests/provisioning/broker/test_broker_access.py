"""A host's account at the broker opens its own queue and nothing else, whichever server that is."""

import re

import pytest
import redis
from django.urls import reverse
from redis.exceptions import NoPermissionError

from console import checks
from provisioning import tasks
from provisioning.broker.rules import WITHOUT_KEYS, account, differing, why_none_at_rabbitmq, with_account
from provisioning.broker.secrets import known_secrets
from provisioning.broker.worker import access as broker_access
from provisioning.errors import Refused
from provisioning.hosts.services import enrolment
from provisioning.models import Console, Event
from tests import brokers, factories
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db


valkey = brokers.each_broker


@pytest.fixture(autouse=True)
def _ends_accounts(broker, settings):
    settings.EMBEDDED_REDIS_PASSWORD, settings.REDIS_IS_EMBEDDED = "", False
    yield
    if left := [name for name in broker.acl_users() if name.startswith("pairwise-")]:
        broker.acl_deluser(*left)


@pytest.fixture
def hosts():
    return factories.make_host("alpha"), factories.make_host("beta")


@pytest.fixture
def as_alpha(hosts, settings):
    with redis.Redis.from_url(broker_access.url_for(hosts[0], settings.PAIRWISE_REDIS_URL)) as client:
        yield client


def test_a_host_takes_its_jobs_and_adds_to_its_reports(broker, as_alpha):
    broker.lpush("host.alpha", "job")
    assert as_alpha.brpop(["host.alpha"], timeout=1) == (b"host.alpha", b"job")
    assert as_alpha.lpush("reports.alpha", "report") == 1
    assert as_alpha.lpush(f"{ASKER}.alpha.pidbox", "pong") == 1
    assert as_alpha.zadd("unacked_index.host.alpha", {"tag": 1}) == 1


FOREIGN = [
    ("BRPOP", "host.beta", 1), ("LPUSH", "host.beta", "job"), ("DEL", "host.beta"), ("LLEN", "host.beta"),
    ("HGET", "unacked.host.beta", "tag"), ("HDEL", "unacked.host.beta", "tag"),
    ("ZREM", "unacked_index.host.beta", "t"), ("HGET", "unacked", "tag"), ("HDEL", "unacked", "tag"),
    ("BRPOP", "console", 1), ("RPOP", "console"),
    ("SADD", "_kombu.binding.console", "console\x06\x16\x06\x16host.alpha"), ("SREM", "_kombu.binding.console", "x"),
    ("SMEMBERS", "_kombu.binding.host.beta"),
    ("SADD", "_kombu.binding.host.beta", "host.beta\x06\x16\x06\x16host.alpha"),
    ("SADD", "_kombu.binding.control.beta.pidbox", "x"), ("SADD", "_kombu.binding.reply.control.alpha.pidbox", "x"),
    ("PUBLISH", "/0.control.beta.pidbox", "{}"), ("PUBLISH", "/0.control.alpha.pidbox", "{}"),
    ("SUBSCRIBE", "/0.control.beta.pidbox"), ("PSUBSCRIBE", "*"), ("XREAD", "STREAMS", "pairwise:changes", "0"),
    ("KEYS", "*"), ("SCAN", "0"), ("FLUSHALL",), ("CONFIG", "GET", "*"), ("ACL", "LIST"),
    ("ACL", "SETUSER", "alpha", "on"), ("EVAL", "while true do end", 0), ("SCRIPT", "LOAD", "return 1"),
    ("SCRIPT", "FLUSH"), ("SHUTDOWN",), ("MONITOR",), ("CLIENT", "LIST"), ("CLIENT", "KILL", "USER", "default"),
    ("COPY", "host.alpha", "host.beta"), ("RENAME", "host.alpha", "x"), ("MIGRATE", "h", 1, "host.alpha", 0, 1),
]


WRITES = [
    ("SET", "{key}", "x"), ("DEL", "{key}"), ("UNLINK", "{key}"), ("EXPIRE", "{key}", 1), ("PEXPIRE", "{key}", 1),
    ("LTRIM", "{key}", 1, 0), ("RENAME", "{key}", "host.alpha"), ("RENAME", "host.alpha", "{key}"),
    ("RPUSH", "{key}", "x"), ("LREM", "{key}", 0, "x"), ("LSET", "{key}", 0, "x"), ("SADD", "{key}", "x"),
    ("HSET", "{key}", "a", "b"), ("ZADD", "{key}", 1, "a"), ("RPOP", "{key}"), ("LRANGE", "{key}", 0, -1),
    ("LLEN", "{key}"), ("EXISTS", "{key}"), ("GET", "{key}"), ("TYPE", "{key}"), ("BRPOP", "{key}", 1),
    ("RPOPLPUSH", "host.alpha", "{key}"), ("LMOVE", "{key}", "host.alpha", "RIGHT", "LEFT"),
]
ASKER = "01234567-0123-0123-0123-0123456789ab.reply.control"
WRITTEN = ["reports.alpha", "console", "reports.beta", f"{ASKER}.alpha.pidbox", "pairwise:changes",
           "pairwise:reports:reader", "anything"]


@pytest.mark.parametrize("key", WRITTEN)
def test_of_what_it_writes_it_may_add_to_the_end_and_nothing_else(broker, as_alpha, key):
    broker.lpush(key, "kept")
    for command in WRITES:
        with pytest.raises(NoPermissionError):
            as_alpha.execute_command(*[word.format(key=key) if isinstance(word, str) else word for word in command])
    assert broker.lrange(key, 0, -1) == [b"kept"]
    broker.delete(key)


@pytest.mark.parametrize("key", ["console", "reports.beta", "host.beta", "anything", f"{ASKER}.beta.pidbox"])
def test_it_adds_to_no_queue_but_its_own(as_alpha, key):
    with pytest.raises(NoPermissionError):
        as_alpha.lpush(key, "x")


def test_what_it_may_do_with_one_of_its_keys_it_may_not_do_with_another(as_alpha):
    for command in (("SET", "host.alpha", "x"), ("DEL", "host.alpha"), ("HSET", "host.alpha", "a", "b"),
                    ("SET", "unacked.host.alpha", "x"), ("LPUSH", "unacked.host.alpha", "x"),
                    ("SADD", "unacked_mutex.host.alpha", "x")):
        with pytest.raises(NoPermissionError):
            as_alpha.execute_command(*command)


@pytest.mark.parametrize("command", FOREIGN, ids=[" ".join(map(repr, each)) for each in FOREIGN])
def test_what_is_not_its_own_is_refused(as_alpha, command):
    with pytest.raises(NoPermissionError):
        as_alpha.execute_command(*command)


def test_what_the_broker_refused_is_on_the_hosts_timeline_once(broker, hosts, as_alpha):
    broker.acl_log_reset()
    with pytest.raises(NoPermissionError):
        as_alpha.rpop("host.beta")
    denials = broker_access.Denials()
    assert denials.record(broker_access.connect()) == 1
    assert denials.record(broker_access.connect()) == 0
    event = Event.objects.get(host=hosts[0])
    assert event.source == "refused"
    assert event.text == ("Somebody with the account of host alpha asked for the key 'host.beta' at the broker, which "
                          "refused it.")


@pytest.mark.parametrize("name", ["{prefix}x", "{prefix}999999", "{prefix}" + "9" * 40, "{prefix}", "root",
                                  "{prefix}²"])
def test_who_guesses_at_an_account_that_is_no_hosts_is_told_of_once_a_minute(broker, hosts, name):
    name, denials = name.format(prefix=Console.this().broker_prefix), broker_access.Denials()
    broker.acl_log_reset()
    for guess in ("one", "two"):
        with pytest.raises(redis.AuthenticationError):
            broker.execute_command("AUTH", name, guess)
    assert denials.record(broker_access.connect()) == 1
    with pytest.raises(redis.AuthenticationError):
        broker.execute_command("AUTH", "another", "three")
    assert denials.record(broker_access.connect()) == 0
    [event] = Event.objects.filter(source="refused")
    assert event.host is None
    assert event.text == (f"Somebody at 127.0.0.1 tried to log in at the broker as {name!r}, which is no host's "
                          "account, with a wrong password, 2 times.")


def test_a_host_with_another_hosts_secret_is_nobody(hosts, settings):
    broker_access.keep()
    alpha, beta = (account(prefix=Console.this().broker_prefix, host_id=host.pk,
                           host_name=host.name, secret=host.secret, database=0) for host in hosts)
    mixed = with_account(settings.PAIRWISE_REDIS_URL, type(alpha)(beta.name, alpha.password, ()))
    with redis.Redis.from_url(mixed) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_looking_again_changes_nothing(hosts):
    assert broker_access.keep() == 2
    assert broker_access.keep() == 0


def test_accounts_that_a_new_server_does_not_have_come_back(broker, hosts, settings):
    url = broker_access.url_for(hosts[0], settings.PAIRWISE_REDIS_URL)
    broker.acl_deluser(*[name for name in broker.acl_users() if name.startswith("pairwise-")])
    assert broker_access.keep() == 2
    with redis.Redis.from_url(url) as client:
        assert client.ping()


def test_a_new_secret_is_a_new_password_and_ends_the_connections_of_the_former(hosts, as_alpha, settings):
    assert as_alpha.ping()
    hosts[0].renew_secret()
    assert broker_access.keep() == 1
    with pytest.raises((redis.AuthenticationError, redis.ConnectionError)):
        as_alpha.ping()
    with redis.Redis.from_url(broker_access.url_for(hosts[0], settings.PAIRWISE_REDIS_URL)) as client:
        assert client.ping()


@pytest.mark.parametrize("gone", [lambda host: host.delete(), lambda host: type(host).objects.update(enabled=False)])
def test_a_host_that_is_gone_or_disabled_has_no_account(hosts, as_alpha, gone):
    assert as_alpha.ping()
    gone(hosts[0])
    broker_access.keep()
    with pytest.raises((redis.AuthenticationError, redis.ConnectionError)):
        as_alpha.ping()


def test_a_renamed_host_reaches_its_new_queue_only(hosts, as_alpha, settings):
    type(hosts[0]).objects.filter(pk=hosts[0].pk).update(name="gamma")
    assert broker_access.keep() == 1
    assert as_alpha.llen("host.gamma") == 0
    with pytest.raises(NoPermissionError):
        as_alpha.llen("host.alpha")


@pytest.fixture
def limited(broker, settings):
    """The console's own account may not manage accounts."""
    broker.execute_command("ACL", "SETUSER", "console", "on", ">pw", "~*", "&*", "+@all", "-acl|setuser")
    before = settings.PAIRWISE_REDIS_URL
    settings.PAIRWISE_REDIS_URL = before.replace("redis://", "redis://console:pw@")
    yield
    settings.PAIRWISE_REDIS_URL = before
    broker.acl_deluser("console")


def test_a_host_that_can_have_no_account_is_not_given_the_consoles(limited, hosts, settings):
    given = broker_access.url_for(hosts[0], settings.PAIRWISE_REDIS_URL)
    assert "console" not in given
    assert ":pw@" not in given
    with redis.Redis.from_url(given) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_where_accounts_cannot_be_made_nobody_joins_and_it_is_said_why(limited, hosts, client, settings):
    row = enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=hosts[0].pk)
    answer = client.post("/join/exchange", "{}", content_type="application/json",
                         headers={"Authorization": f"Bearer {row.token}"})
    assert answer.status_code == 403
    assert "Host alpha cannot join. Hosts cannot have accounts at the broker" in answer.text
    assert "Give that account the rights to ACL and CLIENT KILL." in answer.text
    row.refresh_from_db()
    assert row.is_open
    [found] = checks.broker_accounts()
    assert found.id == "pairwise.W005"
    assert "acl|setuser" in found.msg


@pytest.mark.django_db(transaction=True)
def test_the_pages_say_that_no_host_can_have_an_account(limited, hosts, admin_client):
    tasks.keep_broker_accounts()
    assert "Hosts cannot have accounts at the broker" in admin_client.get("/monitoring/").text
    # Each check is given less than a second, which a busy machine may not have for it.
    wait_for(lambda: admin_client.get("/healthz").json()["components"]["broker_accounts"]["status"] == "down", 20)
    enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=hosts[0].pk)
    shown = admin_client.get(reverse("host-detail", args=[hosts[0].pk])).text
    assert "Hosts cannot have accounts at the broker" in shown
    assert "| python3 -I -c" not in shown


def test_the_dashboard_says_which_server_it_is(hosts, admin_client):
    tasks.keep_broker_accounts()
    assert re.search(r"(Valkey|Redis) \d+\.\d+\.\d+ \(/", admin_client.get("/monitoring/").text)


def test_a_server_without_what_accounts_are_made_of_is_named(hosts, monkeypatch):
    monkeypatch.setattr(broker_access.rules, "NEEDED", ("acl|setuser", "acl|nonsense"))
    with pytest.raises(broker_access.NotPermitted, match=r"it is (Valkey|Redis) .*, which does not know ACL\|NONSENSE. "
                                                         "Use Redis 7.0 or newer, or Valkey."):
        broker_access.keep()


def test_the_check_has_nothing_to_say_of_a_console_that_may(hosts):
    assert checks.broker_accounts() == []


def test_the_check_leaves_a_broker_that_is_away_to_others(no_broker):
    assert checks.broker_accounts() == []


def test_a_redis_on_a_socket_needs_no_accounts(hosts, settings):
    settings.PAIRWISE_REDIS_URL = "unix:///nowhere.sock"
    assert broker_access.keep() == 0
    assert broker_access.url_for(hosts[0], "redis+socket:///nowhere.sock") == "redis+socket:///nowhere.sock"


def test_while_the_broker_is_away_a_host_is_given_its_own_account_all_the_same(hosts, no_broker):
    assert broker_access.url_for(hosts[0], "redis://192.0.2.1:2021/0").startswith("redis://pairwise-")


def test_of_two_names_none_gets_the_keys_of_the_other():
    for one, other in (("a", "a.pidbox"), ("a", "b.reply.control.a"), ("a.b", "a"), ("1", "11")):
        first, second = ({word for rule in account(prefix="", host_id=1, host_name=name, secret="s", database=0).rules
                          for word in rule.strip("()").split() if word[0] in "~%&" and "pairwise-rules" not in word}
                         for name in (one, other))
        assert first
        assert not first & second


def test_another_set_of_rules_is_seen_in_the_list(monkeypatch):
    one = account(prefix="p-", host_id=1, host_name="a", secret="s", database=0)
    line = f"user p-1 on sanitize-payload #x {one.mark} -@all"
    assert differing([one], [line, "user default on"], prefix="p-") == ([], [])
    monkeypatch.setattr("provisioning.broker.rules.WITHOUT_KEYS", WITHOUT_KEYS[:-1])
    other = account(prefix="p-", host_id=1, host_name="a", secret="s", database=0)
    assert differing([other], [line], prefix="p-") == ([other], [])
    assert differing([], [line], prefix="p-") == ([], ["p-1"])


OWN = "amqp://pairwise:secret@192.0.2.1/pairwise"


def test_rabbitmqs_account_of_the_console_is_given_to_no_host(hosts, settings):
    settings.PAIRWISE_BROKER_URL = OWN
    assert broker_access.url_for(hosts[0], settings.PAIRWISE_BROKER_URL) == ""
    [found] = checks.broker_accounts()
    assert "PAIRWISE_BROKER_URL_FOR_HOSTS" in found.msg
    with pytest.raises(Refused, match="PAIRWISE_BROKER_URL_FOR_HOSTS"):
        enrolment.require_account(hosts[0])
    for same in ("amqp://pairwise:secret@192.0.2.1/pairwise", "amqps://pairwise@192.0.2.9/other",
                 "amqp://pair%77ise:another@192.0.2.1/pairwise", f"{hosts[0].name}={OWN}"):
        settings.PAIRWISE_BROKER_URL_FOR_HOSTS = same
        assert broker_access.url_for(hosts[0], "x") == ""
        assert "the account that the console itself uses" in checks.broker_accounts()[0].msg
        with pytest.raises(Refused, match="given to no host"):
            enrolment.require_account(hosts[0])
        with pytest.raises(broker_access.NotPermitted):
            broker_access.keep()


def test_an_account_that_all_hosts_share_at_rabbitmq_lets_no_other_machine_join(hosts, settings, client):
    settings.PAIRWISE_BROKER_URL = OWN
    settings.PAIRWISE_BROKER_URL_FOR_HOSTS = "amqp://hosts:theirs@192.0.2.1/pairwise"
    assert broker_access.url_for(hosts[0], "x") == settings.PAIRWISE_BROKER_URL_FOR_HOSTS
    assert broker_access.why_no_accounts() == ""
    with pytest.raises(Refused, match="one account for all hosts"):
        enrolment.require_account(hosts[0])
    [found] = checks.broker_accounts()
    assert found.id == "pairwise.W009"
    assert "theirs" not in found.msg + found.hint
    token = enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=hosts[0].pk)
    answer = client.post(reverse("join-exchange"), {"python": "3.11.2"}, content_type="application/json",
                         headers={"Authorization": f"Bearer {token.token}"})
    assert "one account for all hosts" in answer.text
    assert "theirs" not in answer.text
    token.refresh_from_db()
    assert token.used_at is None


def test_at_rabbitmq_a_host_joins_with_the_account_that_is_its_alone(hosts, settings):
    one, two = hosts[0], hosts[1]
    settings.PAIRWISE_BROKER_URL = OWN
    ones = "amqp://one:theirs=1@192.0.2.1/pairwise"
    settings.PAIRWISE_BROKER_URL_FOR_HOSTS = f"{one.name}={ones}\n other=amqp://other:x@192.0.2.1/pairwise"
    enrolment.require_account(one)
    assert broker_access.url_for(one, "x") == ones
    assert broker_access.url_for(two, "x") == ""
    with pytest.raises(Refused, match=f"no account for {two.name}"):
        enrolment.require_account(two)
    settings.PAIRWISE_BROKER_URL_FOR_HOSTS += f" {two.name}=amqp://o%6ee:y@192.0.2.1/pairwise"
    for host in (one, two):
        with pytest.raises(Refused, match=r"the account that \w+ has"):
            enrolment.require_account(host)
    [found] = checks.broker_accounts()
    assert found.id == "pairwise.W012"
    assert {"theirs=1", "x", "y"} <= known_secrets([], [])


@pytest.mark.parametrize(("for_hosts", "said"), [
    ("h1 = amqps://u:secret@r/v", "Entry 1 is not"), ("h1=", "Entry 1 is not"), ("h1=r:secret", "Entry 1 is not"),
    ("h1=amqp://a:b@r/v h1=amqp://c:d@r/v", "h1 is there twice"),
    ("amqp://a:b@r/v amqp://c:d@r/v", "An address for all hosts is there twice"),
    ("h1=amqp://a:b=1@r/v?x=y\nh2=amqp://c:d@r/v amqp://e:f@r/v?heartbeat=5", "")])
def test_accounts_for_hosts_that_cannot_be_read_are_an_error_without_what_they_hold(settings, for_hosts, said):
    settings.PAIRWISE_BROKER_URL, settings.PAIRWISE_BROKER_URL_FOR_HOSTS = OWN, for_hosts
    found = [each for each in checks.broker_accounts() if each.id == "pairwise.E017"]
    assert [said in each.msg and "secret" not in each.msg for each in found] == [True] * bool(said)


def test_the_account_of_everybody_at_rabbitmq_is_one_as_well():
    assert why_none_at_rabbitmq("amqp://192.0.2.1//", "amqp://guest:guest@192.0.2.1//") != ""
    assert why_none_at_rabbitmq("amqp://192.0.2.1//", "amqp://hosts:x@192.0.2.1//") == ""


def test_a_socket_with_a_password_gives_a_host_its_own(hosts, settings, monkeypatch):
    monkeypatch.setattr(broker_access, "keep", lambda: 0)
    settings.PAIRWISE_REDIS_URL = "unix://:consoles@/nowhere.sock"
    given = broker_access.url_for(hosts[0], "redis+socket://:consoles@/nowhere.sock?virtual_host=1")
    assert given.startswith("redis+socket://pairwise-")
    assert given.endswith("@/nowhere.sock?virtual_host=1")
    assert "consoles" not in given
