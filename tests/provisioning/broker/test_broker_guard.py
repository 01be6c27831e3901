"""Neither those who have not logged in nor a host that was taken over takes the broker's room from the others."""

import contextlib
import os
import socket
import subprocess

import pytest
import redis
from kombu import Connection, Exchange, Queue
from redis.exceptions import NoPermissionError

from console.embedded_redis import embedded_redis_socket, embedded_redis_url
from console.up.redis import MEMORY_LEAST, MEMORY_MOST, command, make_directories, memory_max, wait_ready
from protocol.jobs import REPORT_BYTES_MAX
from provisioning.broker import rules
from provisioning.broker.worker import access as broker_access
from provisioning.broker.worker import guard as broker_guard
from provisioning.broker.worker.guard import Guard
from provisioning.jobs.worker.report_queues import TOGETHER_BYTES, RedisQueues
from provisioning.jobs.worker.report_reader import Reader
from provisioning.models import Event
from tests import brokers, factories
from tests.ports import free_port
from tests.scenarios.harness import PATIENCE
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "only-for-this-test"


@pytest.fixture(params=list(brokers.PROGRAMS))
def port(request, tmp_path, settings):
    """Of an embedded Redis for hosts, as `up` starts it, of each server."""
    program, port = brokers.PROGRAMS[request.param](), free_port()
    if program is None:
        pytest.skip(f"{request.param} is not installed")
    socket_path, data_dir = embedded_redis_socket(tmp_path), tmp_path / "redis"
    make_directories(socket_path, data_dir)
    arguments = command(socket_path, data_dir, password=PASSWORD, host="127.0.0.1", port=port)
    process = subprocess.Popen(["redis-server", *arguments[1:]], executable=program, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    settings.PAIRWISE_REDIS_URL = url = embedded_redis_url(tmp_path, PASSWORD)
    settings.EMBEDDED_REDIS_PASSWORD, settings.REDIS_IS_EMBEDDED = PASSWORD, True
    try:
        assert wait_ready(url, within_s=20 * PATIENCE, stopped=lambda: process.poll() is not None)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def console(port, settings):
    with redis.Redis.from_url(settings.PAIRWISE_REDIS_URL) as client:
        yield client


@pytest.fixture
def evil(port, settings):
    return factories.make_host("evil")


@pytest.fixture
def as_evil(evil, port):
    with redis.Redis.from_url(broker_access.url_for(evil, f"redis://127.0.0.1:{port}/0")) as client:
        client.ping()
        yield client


def looks(monkeypatch, **what):
    for name, value in what.items():
        monkeypatch.setattr(broker_guard, name, value)
    return Reader(RedisQueues(broker_access.connect()))


def told():
    return [(each.host.name if each.host else "", each.text) for each in Event.objects.order_by("pk")]


# --- strangers


@contextlib.contextmanager
def strangers(port, console, count, says=b""):
    """The server knows of all of them."""
    with contextlib.ExitStack() as opened:
        found = [opened.enter_context(socket.create_connection(("127.0.0.1", port), 10)) for _ in range(count)]
        wait_for(lambda: sum(map(broker_guard._is_stranger, console.client_list())) >= count, 10, "all of them")
        for each in found:
            each.sendall(says)
        yield found


def ended(stranger):
    """True once its connection was ended, whatever was answered before."""
    stranger.settimeout(10)
    try:
        while stranger.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


def test_who_does_not_log_in_is_sent_away_and_who_did_stays(port, console, as_evil, monkeypatch):
    console.ping()
    reader = looks(monkeypatch, STRANGER_S=0)
    with strangers(port, console, 200) as silent:
        reader.look()
        assert all(map(ended, silent))
        assert (as_evil.ping(), console.ping()) == (True, True)
    assert "200 connections to the broker that had not logged in were ended, one of them from 127.0.0.1." in told()[-1]


@pytest.mark.parametrize("says", [
    b"PING\r\n", b"AUTH default wrong\r\n", b"HELLO 3\r\n", b"CLIENT SETNAME me\r\n", b"HELLO 3 SETNAME me\r\n",
    b"CLIENT SETINFO LIB-NAME me\r\n", b"SUBSCRIBE x\r\n", b"MULTI\r\n", b"MONITOR\r\n", b"RESET\r\n",
    b"PSYNC ? -1\r\n"])
def test_nothing_that_a_stranger_says_makes_him_look_like_one_who_is_known(port, console, monkeypatch, says):
    reader = looks(monkeypatch, STRANGER_S=0)
    with strangers(port, console, 1, says) as [stranger]:
        assert stranger.recv(100)
        reader.look()
        assert ended(stranger)


def test_strangers_have_a_moment_and_so_many_places(port, console, monkeypatch):
    reader = looks(monkeypatch, STRANGER_S=600, STRANGERS_MAX=10)
    with strangers(port, console, 30):
        reader.look()
        left = [each for each in console.client_list() if broker_guard._is_stranger(each)]
        assert len(left) == 10
    assert told()[-1][1].startswith("20 connections to the broker")


@pytest.mark.dear
def test_it_keeps_its_connection_while_all_places_are_taken(port, console, monkeypatch):
    reader = looks(monkeypatch, EVERY_S=0.0, STRANGER_S=0)
    reader.look()
    console.config_set("maxclients", len(console.client_list()) + 3)
    with strangers(port, console, 3) as silent:
        with pytest.raises(redis.ConnectionError), redis.Redis(port=port, password=PASSWORD) as late:
            late.ping()
        reader.look()
        assert all(map(ended, silent))
        with redis.Redis(port=port, password=PASSWORD) as late:
            assert late.ping()


def test_guesses_at_the_consoles_own_password_are_told(port, console):
    with strangers(port, console, 1, b"AUTH guess\r\n") as [stranger]:
        assert b"WRONGPASS" in stranger.recv(1000)
        assert broker_access.Denials().record(broker_access.connect()) == 1
    assert "Somebody at 127.0.0.1 tried to log in at the broker as 'default', which" in told()[-1][1]


# --- memory


def test_a_key_that_a_host_fills_is_deleted_and_its_name_is_told(console, evil, as_evil, monkeypatch):
    factories.make_host("good")
    reader = looks(monkeypatch, KEYS_BYTES_MAX=1_000_000)
    console.lpush("host.good", "job")
    as_evil.lpush("host.evil", *[os.urandom(100_000)] * 25)
    as_evil.hset("unacked.host.evil", mapping={"large": os.urandom(2_000_000), **{str(n): "x" for n in range(1000)}})
    as_evil.sadd("_kombu.binding.host.evil", *[os.urandom(200_000) for _ in range(10)])
    as_evil.lpush("reports.evil", "x")
    reader.look()
    assert not console.exists("host.evil", "unacked.host.evil", "_kombu.binding.host.evil")
    assert console.llen("host.good") == 1
    assert told()[0][0] == "evil"
    assert "The account of host evil had put 2 MB into the key 'host.evil' of the broker" in told()[0][1]


def test_all_keys_of_a_host_together_are_bounded_and_the_largest_go(console, evil, as_evil, monkeypatch):
    reader = looks(monkeypatch, KEYS_BYTES_MAX=1_000_000)
    as_evil.lpush("host.evil", os.urandom(800_000))
    as_evil.hset("unacked.host.evil", "large", os.urandom(600_000))
    as_evil.lpush("reports.evil", "x")
    reader.look()
    assert not console.exists("host.evil")
    assert console.exists("unacked.host.evil")


def test_a_host_gets_into_no_other_database(console, as_evil):
    for number in (0, 1, 15):
        with pytest.raises(NoPermissionError):
            as_evil.execute_command("SELECT", number)
    with pytest.raises(redis.ResponseError, match="out of range"):
        console.execute_command("SELECT", 1)


def test_a_connection_that_was_in_another_database_ends_with_the_new_rules(console, evil, as_evil, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(rules, "WITHOUT_KEYS", (*rules.WITHOUT_KEYS, "select"))
        assert broker_access.keep() == 1
        as_evil.execute_command("SELECT", 0)
    assert broker_access.keep() == 1
    with pytest.raises((redis.ConnectionError, NoPermissionError)):
        as_evil.execute_command("SELECT", 0)


def test_celerys_client_works_with_the_account_of_a_host(evil, port):
    """With the options of hostagent.celery."""
    url = broker_access.url_for(evil, f"redis://127.0.0.1:{port}/0")
    options = {"priority_steps": [0], **{f"{name}_key": f"{name}.host.evil" for name in (
        "unacked", "unacked_index", "unacked_mutex")}}
    with Connection(url, transport_options=options) as connection:
        queue = connection.SimpleQueue(Queue("host.evil", Exchange("host.evil"), routing_key="host.evil"))
        queue.put({"job": 1})
        message = queue.get(timeout=5)
        assert message.payload == {"job": 1}
        message.ack()
        queue.close()


@pytest.fixture(params=list(brokers.PROGRAMS))
def third(request, tmp_path, settings):
    """Address of a Redis of one's own of which the console has the third database."""
    if (program := brokers.PROGRAMS[request.param]()) is None:
        pytest.skip(f"{request.param} is not installed")
    with brokers.running(program, tmp_path) as url:
        settings.PAIRWISE_REDIS_URL = url = url.removesuffix("0") + "3"
        settings.EMBEDDED_REDIS_PASSWORD, settings.REDIS_IS_EMBEDDED = "", False
        yield url


def test_where_hosts_have_to_choose_a_database_what_they_put_into_others_is_deleted(third, monkeypatch):
    evil = factories.make_host("evil")
    looks(monkeypatch, KEYS_BYTES_MAX=1_000_000, ANSWERS_BYTES_MAX=500_000)
    answer = "00000000-0000-0000-0000-000000000001.reply.control.evil.pidbox"
    with redis.Redis.from_url(broker_access.url_for(evil, third)) as as_evil, redis.Redis.from_url(third) as console:
        for number in (0, 3, 15):
            as_evil.execute_command("SELECT", number)
            as_evil.lpush("reports.evil", os.urandom(900_000))
            as_evil.lpush(answer, os.urandom(600_000))
        console.execute_command("SELECT", 7)
        console.set("of.others", os.urandom(2_000_000))
        words = Guard().look(["evil"])
        held = {}
        for number in (0, 3, 7, 15):
            console.execute_command("SELECT", number)
            held[number] = console.keys()
    assert sum(map(len, held.values())) == 2
    assert held[7] == [b"of.others"]
    assert [word.host for word in words] == ["evil"] * 5


def test_each_host_has_its_turn_to_be_looked_at(console, monkeypatch):
    monkeypatch.setattr(broker_guard, "HOSTS_A_LOOK", 2)
    monkeypatch.setattr(broker_guard, "EVERY_S", 0.0)
    monkeypatch.setattr(broker_guard, "KEYS_BYTES_MAX", 0)
    guard, names = Guard(), ["d", "a", "c", "b", "e"]
    console.mset({f"host.{name}": "x" for name in names})
    assert [[word.host for word in guard.look(names)] for _ in range(4)] == [["a", "b"], ["c", "d"], ["e"], []]


def test_answers_that_nobody_fetches_go(console, evil, as_evil, monkeypatch):
    reader = looks(monkeypatch, ANSWERS_BYTES_MAX=1_000_000, EVERY_S=0.0)
    name = "00000000-0000-0000-0000-00000000000{}.reply.control.evil.pidbox"
    as_evil.lpush(name.format(1), "pong")
    reader.look()
    assert 0 < console.ttl(name.format(1)) <= broker_guard.ANSWER_S
    for number in range(2, 6):
        as_evil.lpush(name.format(number), os.urandom(500_000))
    reader.look()
    assert not console.keys("*.reply.*")
    assert "MB of answers that nobody asked for" in told()[-1][1]


def test_a_server_that_is_full_is_emptied_by_the_same_thread(console, evil, as_evil, monkeypatch):
    reader = looks(monkeypatch, EVERY_S=0.0, KEYS_BYTES_MAX=2_000_000)
    reader.look()
    as_evil.lpush("host.evil", *[os.urandom(100_000)] * 80)
    console.config_set("maxmemory", console.info("memory")["used_memory"] - 4_000_000)
    with pytest.raises(redis.OutOfMemoryError):
        console.lpush("console", "x")
    reader.look()
    # The server may free what was deleted a moment later.
    assert wait_for(lambda: takes(console), 10, "that it takes something") == 1


def takes(client) -> int:
    """How many then wait; 0 where the server takes nothing."""
    try:
        return client.lpush("console", "x")
    except redis.OutOfMemoryError:
        return 0


def test_reports_are_read_while_the_server_is_full(console, evil, as_evil):
    queues = RedisQueues(console)
    assert queues.take(["evil"]) == {}
    as_evil.lpush("reports.evil", "x")
    console.config_set("maxmemory", 1)
    assert len(queues.take(["evil"])["evil"].messages) == 1
    queues.done("evil")
    assert console.llen("reports.evil") == 0


def test_no_answer_is_larger_than_the_console_may_be_sent(console, evil):
    console.lpush("reports.evil", *["x" * 12_000_000] * 5)
    taken = RedisQueues(console).take(["evil"])["evil"].messages
    assert len(taken) == 3
    assert TOGETHER_BYTES + REPORT_BYTES_MAX < 64 * 1024 ** 2


def test_it_may_take_a_quarter_of_the_machine(console):
    assert [memory_max(gigabytes * 1024 ** 3) for gigabytes in (0, 8, 1000)] == [
        MEMORY_LEAST, 2 * 1024 ** 3, MEMORY_MOST]
    assert MEMORY_LEAST <= int(console.config_get("maxmemory")["maxmemory"]) <= MEMORY_MOST
    assert console.config_get("client-output-buffer-limit")["client-output-buffer-limit"].startswith(
        "normal 67108864 33554432 30")


def test_a_broker_that_is_away_is_left_to_others(no_broker):
    assert Guard().look(["evil"]) == []
