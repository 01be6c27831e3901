"""A broker that is away is tried for again soon, however long it was away."""

import pytest
from celery import Celery
from kombu import Connection, Producer, Queue

from console.celery import app as console_app
from hostagent.reconnection import LONGEST_RETRY_S, ReturningAmqp, ReturningConnection
from tests.ports import free_port


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
