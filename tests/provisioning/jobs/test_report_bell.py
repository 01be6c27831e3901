"""When it is looked for reports: at once when Redis says that one came, and not all the time until then."""

import contextlib
import threading
import time

import pytest
import redis

from provisioning.jobs.worker import report_reader
from provisioning.jobs.worker.report_queues import LEASE, RedisQueues
from provisioning.jobs.worker.report_reader import Reader
from tests import brokers, factories
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


valkey = brokers.each_broker


@pytest.fixture(autouse=True)
def host(broker, settings):
    settings.EMBEDDED_REDIS_PASSWORD, settings.REDIS_IS_EMBEDDED = "", False
    yield factories.make_host("a")
    broker.delete(LEASE, "reports.a")


@contextlib.contextmanager
def at_work(queues):
    """A reader in its thread, and when it looked."""
    looks, real = [], queues.take
    queues.take = lambda hosts: looks.append(time.monotonic()) or real(hosts)
    reader = Reader(queues)
    thread = threading.Thread(target=reader._run)
    thread.start()
    try:
        yield looks
    finally:
        reader.stop()
        thread.join(10)
        assert not thread.is_alive()


def assert_read(broker):
    """It is no report, and so it is refused: either way it leaves its queue."""
    broker.lpush("reports.a", "x")
    wait_for(lambda: not broker.llen("reports.a"), 10, "that it is read")


def test_a_report_is_read_at_once_and_nothing_is_asked_for_meanwhile(broker, monkeypatch):
    monkeypatch.setattr(report_reader, "HOSTS_S", 60.0)
    with at_work(RedisQueues(broker)) as looks:
        wait_for(lambda: len(looks) == 2, 10, "that it listens")
        until = time.monotonic() + 10 * report_reader.IDLE_S
        wait_for(lambda: time.monotonic() > until, 10, "some time")
        assert len(looks) == 2, "it asked without having been told"
        assert_read(broker)


def test_a_broker_that_does_not_tell_is_asked_all_the_time(broker, settings):
    broker.acl_setuser("shy", enabled=True, nopass=True, keys=["*"], channels=["*"], categories=["+@all"],
                       commands=["-client|tracking"])
    try:
        shy = redis.Redis(connection_pool=redis.ConnectionPool.from_url(settings.PAIRWISE_REDIS_URL))
        shy.connection_pool.connection_kwargs.update(username="shy", password="any")
        with at_work(RedisQueues(shy)) as looks:
            wait_for(lambda: len(looks) > 5, 10, "that it asks")
            assert_read(broker)
    finally:
        broker.acl_deluser("shy")


def test_it_is_listened_anew_when_the_connection_that_tells_has_ended(broker, monkeypatch):
    monkeypatch.setattr(report_reader, "HOSTS_S", 60.0)

    def listening():
        return [each["id"] for each in broker.client_list() if "t" in each["flags"]]

    with at_work(RedisQueues(broker)):
        wait_for(listening, 10, "that it listens")
        former = listening()
        for each in former:
            broker.client_kill_filter(_id=each)
        wait_for(lambda: listening() and listening() != former, 10, "that it listens anew")
        assert_read(broker)
