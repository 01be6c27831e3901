"""With the rights that docs/installing.md gives it at RabbitMQ a host does its work, and reaches nothing else."""

import re

import pytest
from amqp.exceptions import AccessRefused
from celery import Celery
from kombu import Connection
from kombu.pidbox import Mailbox

from bench import rabbitmq
from protocol.jobs import CONSOLE_QUEUE, RUN_JOB, host_control, host_queue, reports_queue
from provisioning.jobs.worker.report_queues import RabbitQueues
from tests.hostagent.doubles import HOST, AgentProcess, write_config
from tests.sources import ROOT

from .harness import wait_for
from .services import rabbit

pytestmark = [pytest.mark.long, pytest.mark.skipif(not rabbitmq.installed(), reason=rabbitmq.MISSING)]
PASSWORD = "the-password-of-this-host"
ANSWERS_S = 30.0


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """(the console's, the host's)."""
    [rights] = re.findall(r"^RIGHTS='(.+)'$", (ROOT / "docs/installing.md").read_text(), re.MULTILINE)
    assert HOST in rights
    with rabbit(tmp_path_factory.mktemp("broker") / "rabbit") as (node, address):
        console = address()
        node.command("add_user", HOST, PASSWORD)
        node.command("set_permissions", "-p", "/", HOST, rights, rights, rights)
        yield console, re.sub(r"//\w+:\w+@", f"//{HOST}:{PASSWORD}@", console)


def test_it_takes_jobs_answers_and_reports(addresses, tmp_path):
    console, own = addresses
    queues = RabbitQueues(lambda: Connection(console))
    queues.take([HOST])
    agent = AgentProcess(write_config(tmp_path, broker_url=own, worker=True)).start()
    try:
        with Connection(console) as connection:
            mailbox = Mailbox(host_control(HOST), "fanout", connection, accept=["json"])
            wait_for(lambda: mailbox.multi_call("ping", timeout=1.0, limit=1), ANSWERS_S, "an answer of the worker")
            Celery("console", broker=console, set_as_current=False).send_task(
                RUN_JOB, args=[{"job": "x", "host": HOST}, "no signature of the console"], queue=host_queue(HOST),
                connection=connection, ignore_result=True)
        [report] = wait_for(lambda: queues.take([HOST]).get(HOST), ANSWERS_S, "its report").messages
        assert report()[0]["kind"] == "refused"
    finally:
        agent.end()
        queues.close()


@pytest.mark.parametrize("queue", [CONSOLE_QUEUE, host_queue("host-b"), reports_queue("host-b")])
def test_it_adds_to_no_queue_of_somebody_else(addresses, queue):
    console, own = addresses
    with Connection(console) as connection:
        connection.SimpleQueue(queue).close()
    with Connection(own, transport_options={"confirm_publish": True}) as connection, pytest.raises(AccessRefused):
        connection.Producer().publish("x", exchange="", routing_key=queue)
    with Connection(own) as connection, pytest.raises(AccessRefused):
        connection.default_channel.basic_get(queue)
    with Connection(own) as connection, pytest.raises(AccessRefused):
        connection.default_channel.queue_bind(reports_queue(HOST), queue, queue)
