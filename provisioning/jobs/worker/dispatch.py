"""Hands jobs to the broker and asks workers to end them. The broker may be away: then the row says so."""

import contextlib
import logging
import uuid
from collections.abc import Iterator
from contextvars import ContextVar

from amqp.exceptions import AMQPError
from celery import current_app as app
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from kombu.connection import Connection
from kombu.exceptions import OperationalError
from kombu.pidbox import Mailbox
from redis.exceptions import RedisError

from protocol.jobs import CONSOLE_QUEUE, RUN_JOB, host_control, host_queue, sign_job
from provisioning.core import changes
from provisioning.core.log_context import about_job
from provisioning.models import Host, Job
from provisioning.states import ACTIVE_JOBS, JobState

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S = 2.0, 3.0
CANCEL_SIGNAL = "SIGUSR1"
NOT_HANDED_OVER = "The job could not be sent to the broker, so no host has seen it."
START_THE_BROKER = ("Start Redis (./run does) or correct PAIRWISE_REDIS_URL (PAIRWISE_BROKER_URL, when it is another "
                    "broker). The job is sent by itself once the broker answers; Retry does it at once.")
BROKER_ERRORS = (OperationalError, OSError, RedisError, AMQPError)


class _Shared:
    """A connection for several calls; None until one needs it, and after it broke."""

    def __init__(self):
        self.connection: Connection | None = None

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.release()


_shared: ContextVar[_Shared | None] = ContextVar("shared", default=None)


@contextlib.contextmanager
def one_connection() -> Iterator[None]:
    """What is handed over within shares one connection to the broker."""
    with contextlib.closing(_Shared()) as shared:
        token = _shared.set(shared)
        try:
            yield
        finally:
            _shared.reset(token)


@contextlib.contextmanager
def _connection() -> Iterator[Connection]:
    shared = _shared.get()
    if shared is None:
        with _new_connection() as connection:
            yield connection
        return
    shared.connection = shared.connection or _new_connection()
    try:
        yield shared.connection
    except BaseException:
        shared.close()
        raise


def _new_connection() -> Connection:
    options = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_timeout": ANSWER_TIMEOUT_S}
    if settings.PAIRWISE_BROKER_URL:
        options = {"read_timeout": ANSWER_TIMEOUT_S, "write_timeout": ANSWER_TIMEOUT_S}
    return app.connection_for_write(connect_timeout=CONNECT_TIMEOUT_S, transport_options=options)


def topics(job: Job) -> tuple[str, ...]:
    """What open pages show of a job."""
    own = (f"job:{job.pk}", "jobs", *([f"batch:{job.batch}"] if job.batch else []))
    return own if job.application_id is None else (*own, f"application:{job.application_id}")


def signed_payload(job: Job, *, again: bool = False) -> tuple[dict, str]:
    """(payload, signature) of protocol.jobs for a job whose host still exists."""
    if job.host is None:
        raise Host.DoesNotExist
    Host.objects.filter(pk=job.host.pk).update(jobs_signed=F("jobs_signed") + 1)
    number = Host.objects.values_list("jobs_signed", flat=True).get(pk=job.host.pk)
    payload = {
        "job": str(job.pk), "kind": job.kind, "host": job.host.name, "application": job.application_name,
        "issued_at": int(timezone.now().timestamp()), "number": number, "arguments": job.arguments,
        **({"again": True} if again else {}),
    }
    return payload, sign_job(job.host.secret, payload)


@about_job
def hand_over(job_id: uuid.UUID) -> bool:
    """Give a queued job to its host's queue; True when the broker took it.

    The task id is the job's id, and hosts run an id once, so handing the same job over again does no harm.
    """
    job = Job.objects.select_related("host").filter(pk=job_id, state=JobState.QUEUED).first()
    if job is None or job.host is None:
        return False
    queued = Job.objects.filter(pk=job_id, state=JobState.QUEUED)
    try:
        with _connection() as connection:
            _send(job, connection)
    except BROKER_ERRORS as error:
        log.warning("job %s could not be sent to the broker: %s", job.pk, error)
        queued.update(reason=NOT_HANDED_OVER, advice=START_THE_BROKER)
        changes.tell(*topics(job))
        return False
    # The host may have claimed it by now: then only the time is missing.
    Job.objects.filter(pk=job_id).update(enqueued_at=timezone.now())
    if job.reason or job.advice:
        queued.update(reason="", advice="")
    changes.tell(*topics(job))
    return True


def _send(job: Job, connection: Connection, *, again: bool = False) -> None:
    payload, signature = signed_payload(job, again=again)
    app.send_task(RUN_JOB, args=[payload, signature], task_id=str(job.pk),
                  queue=host_queue(payload["host"]), connection=connection, retry=False)


def give_to_console(task: str, *, expires_s: float, **arguments) -> bool:
    """Give work to the console worker, which leaves it after ``expires_s`` seconds; ids and plain values only. True
    when the broker took it."""
    try:
        with _connection() as connection:
            app.send_task(task, kwargs=arguments, queue=CONSOLE_QUEUE, connection=connection, retry=False,
                          expires=expires_s)
    except BROKER_ERRORS as error:
        log.info("%s could not be given to the console worker: %s", task, error)
        return False
    return True


@about_job
def hand_over_again(job_id: uuid.UUID) -> bool:
    """Give a job that no host took, or of which none says anything, to its host's queue once more, if nothing waits
    there: a broker that stood still or was restarted without its data, or a link that was cut in the moment of the
    delivery, has lost it or its end. A host that ended it says so again. True when it was given."""
    job = Job.objects.select_related("host").filter(pk=job_id, state__in=ACTIVE_JOBS).first()
    if job is None or job.host is None:
        return False
    try:
        with _connection() as connection:
            if _waiting(host_queue(job.host.name), connection):
                return False
            _send(job, connection, again=True)
    except BROKER_ERRORS as error:
        log.info("job %s could not be sent again: %s", job.pk, error)
        return False
    log.warning("job %s was sent again: it was in no queue, and no host says anything of it", job.pk)
    return True


def _waiting(queue: str, connection: Connection) -> int:
    """How many messages wait in a queue."""
    try:
        # A channel of its own: RabbitMQ closes the one on which it was asked for a queue that is not there.
        with connection.channel() as channel:
            return channel.queue_declare(queue, passive=True).message_count
    except connection.channel_errors:
        # An empty list does not exist for Redis.
        return 0


def mailbox(host_name: str, connection: Connection, kind: type[Mailbox] = Mailbox) -> Mailbox:
    """What the worker of that host listens to, and no other."""
    conf = app.conf
    # Without a pool it uses this connection, whose timeouts are short.
    return kind(host_control(host_name), type="fanout", connection=connection, accept=["json"], serializer="json",
                queue_ttl=conf.control_queue_ttl, reply_queue_ttl=conf.control_queue_ttl,
                queue_expires=conf.control_queue_expires, queue_exclusive=conf.control_queue_exclusive,
                queue_durable=conf.control_queue_durable, reply_queue_expires=conf.control_queue_expires)


def revoke(job: Job, *, terminate: bool) -> bool:
    """Tell the worker of the job's host not to run it, or (``terminate``) to end it; True when the broker took the
    word."""
    try:
        with _connection() as connection:
            mailbox(job.host.name if job.host else job.host_name, connection).abcast(
                "revoke", {"task_id": str(job.pk), "terminate": terminate, "signal": CANCEL_SIGNAL})
    except BROKER_ERRORS as error:
        log.warning("job %s could not be revoked: %s", job.pk, error)
        return False
    return True
