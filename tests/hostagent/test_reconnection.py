"""A broker that is away is tried for again soon, however long it was away."""

import os
import subprocess
import sys

import pytest
from celery import Celery
from kombu import Connection, Producer, Queue

from console.celery import app as console_app
from hostagent.reconnection import LONGEST_RETRY_S, RETURNS, ReturningAmqp, ReturningConnection
from tests.ports import free_port
from tests.sources import ROOT
from tests.waiting import wait_for


class Enough(Exception):
    pass


def test_the_pauses_between_attempts_stay_short():
    pauses = []

    def failed(_, pause):
        pauses.append(pause)
        if len(pauses) == 3:
            raise Enough

    app = Celery(broker=f"redis://127.0.0.1:{free_port()}/0", set_as_current=False, amqp=ReturningAmqp)
    with app.connection_for_read() as connection, pytest.raises(Enough):
        connection.ensure_connection(failed, None)
    assert pauses == [1, 2, LONGEST_RETRY_S]


def test_the_consoles_worker_has_the_same_patience():
    assert isinstance(console_app.connection_for_read(), ReturningConnection)


def test_an_acknowledgement_that_does_not_reach_redis_does_not_keep_the_worker_from_the_next_message(broker):
    with Connection(f"redis://127.0.0.1:{broker.port}/0") as connection:
        channel = connection.channel()
        channel.basic_qos(0, 1, False)
        queue = Queue("acknowledged.or.not", channel=channel, durable=False)
        queue.declare()
        Producer(channel, routing_key=queue.name).publish({"number": 1})
        message = queue.get(no_ack=False)
        assert not channel.qos.can_consume()
        broker.stop()
        with pytest.raises(connection.connection_errors):
            message.ack()
        assert channel.qos.can_consume()
        broker.start()


WORKER = """
import sys
from celery import Celery
from hostagent.reconnection import RETURNS, ReturningAmqp

app = Celery("worker", broker=sys.argv[1], amqp=ReturningAmqp)
app.conf.update(worker_hijack_root_logger=False, **RETURNS)


@app.task(name="said")
def said():
    pass


app.worker_main(["worker", "--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=INFO"])
"""


def test_a_broker_that_refuses_for_a_while_to_hand_anything_out_is_no_end_for_the_worker(broker, tmp_path):
    """As when its disk is full; here it misses a replica."""
    url = f"redis://127.0.0.1:{broker.port}/0"
    (tmp_path / "worker.py").write_text(WORKER)
    with open(tmp_path / "out", "wb") as out:
        worker = subprocess.Popen([sys.executable, str(tmp_path / "worker.py"), url], cwd=tmp_path, stdout=out,
                                  stderr=out, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def wait_for_line(text):
        wait_for(lambda: text in (tmp_path / "out").read_text(), 20, text)

    try:
        wait_for_line("ready.")
        broker.client().config_set("min-replicas-to-write", 1)
        wait_for_line("NOREPLICAS")
        broker.client().config_set("min-replicas-to-write", 0)
        Celery(broker=url, set_as_current=False).send_task("said")
        wait_for_line("Task said")
        wait_for_line("succeeded")
        assert worker.poll() is None
    finally:
        broker.client().config_set("min-replicas-to-write", 0)
        worker.kill()
        worker.wait(10)


def test_both_workers_come_back_in_the_same_way():
    assert {name: console_app.conf[name] for name in RETURNS} == RETURNS
