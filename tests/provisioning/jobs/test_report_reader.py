"""What hosts report is read host by host: only what a host signed counts, whatever else it sends."""

import base64
import bz2
import json
import os
import time

import pytest
import redis
from celery import Celery
from django.db import OperationalError
from kombu import Connection

from hostagent.jobs.sender import Sender
from protocol.jobs import RECORD_REPORT, reports_queue, sign_report
from provisioning.broker.worker import access as broker_access
from provisioning.core import refusals
from provisioning.jobs.rules.report_messages import NoReport, enclosed, in_turn
from provisioning.jobs.worker import report_queues, report_reader, reports
from provisioning.jobs.worker.report_queues import LEASE, RabbitQueues, RedisQueues
from provisioning.jobs.worker.report_reader import Reader
from provisioning.models import AuditRun, Event, Host, Job
from tests import brokers, factories

pytestmark = pytest.mark.django_db(transaction=True)


valkey = brokers.each_broker


@pytest.fixture
def evil(broker, settings):
    settings.EMBEDDED_REDIS_PASSWORD, settings.REDIS_IS_EMBEDDED = "", False
    yield factories.make_host("evil")
    if left := [name for name in broker.acl_users() if name.startswith("pairwise-")]:
        broker.acl_deluser(*left)


@pytest.fixture
def as_evil(evil, settings):
    with redis.Redis.from_url(broker_access.url_for(evil, settings.PAIRWISE_REDIS_URL)) as client:
        yield client


@pytest.fixture
def reader(broker):
    made = Reader(RedisQueues(broker))
    yield made
    broker.delete(LEASE)


@pytest.fixture
def job(evil):
    return factories.make_job(factories.make_application("MS", host=evil))


def signed(job, seq=1, *, host="evil", secret="", **fields):
    report = {"job": str(job.pk), "host": host, "seq": seq, "at": time.time(), "kind": "claimed", "worker": "w",
              **fields}
    return report, sign_report(secret or job.host.secret, report)


def message(*arguments, task=RECORD_REPORT, embed=None, **headers):
    body = json.dumps([list(arguments), {}, embed or {}]).encode()
    return json.dumps({"body": base64.b64encode(body).decode(), "content-encoding": "utf-8",
                       "content-type": "application/json", "headers": {"task": task, "id": "1", **headers},
                       "properties": {"body_encoding": "base64", "delivery_tag": "1", "delivery_info": {
                           "exchange": "", "routing_key": "host.victim"}}})


def state(job):
    return Job.objects.get(pk=job.pk).state


# --- what a host signed


def test_a_host_reports_with_its_own_account(reader, evil, job, settings):
    url = broker_access.url_for(evil, settings.PAIRWISE_REDIS_URL)
    sender = Sender(Celery("host", broker=url, set_as_current=False), "evil")
    sender(*signed(job))
    sender.close()
    assert reader.look()
    assert state(job) == "claimed"
    assert not reader.look()


def test_a_report_stays_in_its_queue_until_it_is_recorded(broker, reader, as_evil, job, monkeypatch):
    as_evil.lpush("reports.evil", message(*signed(job)))

    def away(*_):
        raise OperationalError("the database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(reports, "record_report", away)
        with pytest.raises(OperationalError):
            reader.look()
    assert broker.llen("reports.evil") == 1
    assert reader.look()
    assert (state(job), broker.llen("reports.evil")) == ("claimed", 0)


# --- what it may not


def test_tasks_of_the_console_are_not_carried_out_for_a_host(broker, reader, as_evil, evil):
    for task in ("provisioning.run_audit", "provisioning.audit_everything", "console.keep_drills", "celery.chain"):
        as_evil.lpush("reports.evil", message(task=task))
    assert reader.look()
    assert not AuditRun.objects.exists()
    assert broker.llen("reports.evil") == broker.llen("console") == 0
    event = Event.objects.get(host=evil)
    assert event.text == ("A report was refused: It asks for 'provisioning.run_audit', and a host may only report.")


@pytest.mark.parametrize("embed", ["callbacks", "errbacks", "chain", "chord"])
def test_nothing_that_celery_would_do_besides_is_done(broker, reader, as_evil, job, embed):
    forwarded = {"task": "hostagent.run_job", "args": [], "kwargs": {}, "options": {"queue": "host.victim"}}
    as_evil.lpush("reports.evil", message(
        *signed(job), embed={embed: forwarded if embed == "chord" else [forwarded]}, eta="2099-01-01T00:00:00",
        expires="2001-01-01T00:00:00", timelimit=[1, 1], retries=99, reply_to="host.victim", group="x"))
    assert reader.look()
    assert state(job) == "claimed"
    assert set(broker.keys("*")) <= {LEASE.encode(), b"pairwise:changes"}


@pytest.mark.parametrize("raw", [
    "", "x", "[]", "{}", "[" * 100_000, '{"body": 1, "headers": {}}', '{"body": "!", "headers": {}}',
    message(), message(1), message({}, "x", "y"), message([], "x"), message({}, None), message({"host": "evil"}, "x"),
    message({"host": ["evil"]}, "x"), json.dumps({"body": "W10=", "headers": {"task": RECORD_REPORT}}), b"\xff\xfe"])
def test_what_is_no_signed_report_is_dropped_and_told_once(broker, reader, as_evil, evil, raw):
    as_evil.lpush("reports.evil", raw, raw)
    assert reader.look()
    assert broker.llen("reports.evil") == 0
    assert Event.objects.get(host=evil).text.startswith("A report was refused: ")


def test_a_deeply_nested_report_is_dropped(broker, reader, as_evil, evil):
    report = '{"host": "evil", "x": ' + "[" * 900 + "]" * 900 + "}"
    raw = json.loads(message({"host": "evil"}, "x"))
    raw["body"] = base64.b64encode(f'[[{report}, "x"], {{}}, {{}}]'.encode()).decode()
    as_evil.lpush("reports.evil", json.dumps(raw))
    assert reader.look()
    assert broker.llen("reports.evil") == 0
    assert Event.objects.filter(host=evil).count() == 1


def test_a_host_does_not_speak_for_another_nor_is_that_one_blamed(reader, as_evil, evil):
    victim = factories.make_host("victim")
    other = factories.make_job(factories.make_application("MS_V", host=victim))
    as_evil.lpush("reports.evil", message(*signed(other, host="victim", secret=evil.secret)),
                  message(*signed(other, host="victim")))
    assert reader.look()
    assert state(other) == "queued"
    assert not Event.objects.filter(host=victim).exists()
    assert Event.objects.get(host=evil).text == "A report was refused: It is said to be of host 'victim'."


def test_refusals_are_told_once_a_minute_and_counted(reader, as_evil, evil, caplog, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(refusals.time, "monotonic", lambda: clock[0])
    as_evil.lpush("reports.evil", *["x"] * 5)
    reader.look()
    clock[0] += 59
    as_evil.lpush("reports.evil", "x")
    reader.look()
    assert Event.objects.filter(host=evil).count() == caplog.text.count("host evil: A report was refused") == 1
    clock[0] += 2
    as_evil.lpush("reports.evil", "x")
    reader.look()
    assert Event.objects.filter(host=evil).latest("pk").text.endswith("(5 more since the last such event.)")


# --- how much


def test_of_a_flood_the_oldest_are_kept(broker, reader, as_evil, evil, job, monkeypatch):
    monkeypatch.setattr(report_queues, "REPORTS_MAX", 20)
    as_evil.lpush("reports.evil", message(*signed(job)), *["x"] * 99)
    reader.look()
    assert state(job) == "claimed"
    assert broker.llen("reports.evil") == 20 - report_queues.EACH
    assert "80 reports were too many or too large, and were dropped." in [
        each.text for each in Event.objects.filter(host=evil)]


def test_reports_that_are_too_large_do_not_stop_the_others(broker, reader, as_evil, evil, job, monkeypatch):
    monkeypatch.setattr(report_queues, "REPORT_BYTES_MAX", 10_000)
    as_evil.lpush("reports.evil", message(*signed(job)), "x" * 10_001, "x" * 20_000,
                  message(*signed(job, 2, kind="step", number=0, state="running")))
    while reader.look():
        pass
    assert state(job) == "running"
    assert "2 reports were too many or too large, and were dropped." in [
        each.text for each in Event.objects.filter(host=evil)]


def test_what_waits_of_a_host_is_bounded_in_bytes_too(broker, reader, as_evil, evil, job, monkeypatch):
    monkeypatch.setattr(report_queues, "REPORTS_BYTES_MAX", 1_000_000)
    for _ in range(100):
        as_evil.lpush("reports.evil", os.urandom(50_000))
    reader.look()
    assert broker.llen("reports.evil") <= 20


def test_each_host_has_its_turn_while_one_floods(reader, broker, as_evil, evil):
    good = factories.make_host("good")
    job = factories.make_job(factories.make_application("MS_G", host=good))
    as_evil.lpush("reports.evil", *["x"] * 5000)
    broker.lpush("reports.good", message(*signed(job, host="good")))
    assert reader.look()
    assert state(job) == "claimed"
    assert broker.llen("reports.evil") > 4900


def test_messages_are_looked_at_in_turn():
    assert list(in_turn({"a": [1, 2, 3], "b": [4], "c": [5, 6]})) == [
        ("a", 1), ("b", 4), ("c", 5), ("a", 2), ("c", 6), ("a", 3)]


def test_a_key_that_is_no_queue_holds_nobody_up(reader, broker, as_evil, evil, job):
    broker.set("reports.other", "x")
    factories.make_host("other")
    as_evil.lpush("reports.evil", message(*signed(job)))
    assert reader.look()
    assert state(job) == "claimed"


# --- several console workers


def test_of_two_readers_one_reads_and_the_other_goes_on_when_it_is_gone(broker, as_evil, job):
    one, other = RedisQueues(broker), RedisQueues(broker)
    as_evil.lpush("reports.evil", message(*signed(job)))
    assert one.take(["evil"])
    assert not other.take(["evil"])
    other.done("evil")
    assert broker.llen("reports.evil") == 1
    assert 0 < broker.pttl(LEASE) <= report_queues.LEASE_MS
    one._release([LEASE], [one._name])
    assert other.take(["evil"])
    one.done("evil")
    assert broker.llen("reports.evil") == 1
    other.done("evil")
    assert broker.llen("reports.evil") == 0


def test_the_queue_of_a_deleted_host_goes_with_it(broker, evil, monkeypatch):
    monkeypatch.setattr(report_reader, "HOSTS_S", 0.0)
    reader = Reader(RedisQueues(broker))
    gone = factories.make_host("gone")
    reader.look()
    gone.delete()
    broker.lpush("reports.gone", "x")
    reader.look()
    assert not broker.exists("reports.gone")


def test_the_reader_goes_on_after_an_error(broker, as_evil, job, monkeypatch, settings):
    monkeypatch.setattr(report_reader, "TROUBLE_S", 0.05)
    reader, real, failed = Reader(), Reader.look, []

    def look(self):
        if not failed:
            failed.append(True)
            raise RuntimeError("a bug")
        if real(self):
            self.stop()
        return True

    monkeypatch.setattr(Reader, "look", look)
    as_evil.lpush("reports.evil", message(*signed(job)))
    reader._run()
    assert state(job) == "claimed"
    assert not broker.exists(LEASE)


# --- at RabbitMQ


@pytest.fixture
def rabbit():
    connection = Connection("memory://")
    queues = RabbitQueues(lambda: connection)
    queues.take([])
    yield queues, connection
    connection.transport.Channel.queues.clear()
    connection.release()


def put(connection, host, arguments, task=RECORD_REPORT):
    connection.Producer().publish([list(arguments), {}, {}], routing_key=reports_queue(host), serializer="json",
                                  headers={"task": task})


def test_at_rabbitmq_reports_are_read_and_acknowledged_once_they_are_recorded(rabbit, evil, job):
    queues, connection = rabbit
    queues.take(["evil"])
    put(connection, "evil", signed(job))
    reader = Reader(queues)
    assert reader.look()
    assert state(job) == "claimed"
    assert not reader.look()


def test_at_rabbitmq_what_was_not_recorded_waits_again(rabbit, evil, job):
    queues, connection = rabbit
    queues.take(["evil"])
    put(connection, "evil", signed(job))
    assert queues.take(["evil"])
    queues.give_back()
    [found] = queues.take(["evil"])["evil"].messages
    assert found()[0]["job"] == str(job.pk)
    queues.done("evil")
    queues.give_back()
    assert not queues.take(["evil"])


@pytest.mark.parametrize("compression", ["application/x-bz2", "gzip", "lzma", "nonsense"])
def test_at_rabbitmq_what_is_compressed_is_not_expanded_and_holds_nobody_up(rabbit, evil, job, compression):
    queues, connection = rabbit
    queues.take(["evil"])
    connection.Producer().publish(bz2.compress(json.dumps([signed(job), {}, {}]).encode()), headers={
        "task": RECORD_REPORT, "compression": compression}, routing_key=reports_queue("evil"),
        content_type="application/json", content_encoding="binary")
    put(connection, "evil", signed(job, 1, kind="claimed"))
    reader = Reader(queues)
    assert reader.look()
    assert state(job) == "claimed"
    assert not reader.look()
    assert [each.text for each in Event.objects.filter(host=evil)] == [
        "A report was refused: It is compressed or cannot be read, and a host sends none that is."]


def test_at_rabbitmq_no_more_is_taken_at_a_time_than_fits(rabbit, evil, job, monkeypatch):
    monkeypatch.setattr(report_queues, "TOGETHER_BYTES", 1000)
    queues, connection = rabbit
    factories.make_host("good")
    queues.take(["evil", "good"])
    for host in ("evil", "evil", "good"):
        put(connection, host, ["x" * 2000])
    assert {host: len(taken.messages) for host, taken in queues.take(["evil", "good"]).items()} == {"evil": 1}
    queues.done("evil")
    queues.give_back()
    assert {host: len(taken.messages) for host, taken in queues.take(["good", "evil"]).items()} == {"good": 1}


def test_a_message_is_opened_whatever_it_says_of_itself():
    assert enclosed(message({"host": "a"}, "s").encode()) == ({"host": "a"}, "s")
    with pytest.raises(NoReport, match="It is larger than 16 MB"):
        enclosed(b"x" * (16 * 1024 ** 2 + 1))


def test_hosts_are_listed_anew_so_that_a_new_one_is_heard(broker, evil, monkeypatch):
    clock = [0.0]
    reader = Reader(RedisQueues(broker), clock=lambda: clock[0])
    reader.look()
    job = factories.make_job(factories.make_application("MS_N", host=factories.make_host("new")))
    broker.lpush("reports.new", message(*signed(job, host="new")))
    clock[0] += report_reader.HOSTS_S
    assert reader.look()
    assert state(job) == "claimed"
    assert Host.objects.count() == 2
