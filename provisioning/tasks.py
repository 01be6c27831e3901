"""What the console worker does: Celery tasks, and the duties of its schedule. Entry points only."""

import logging
import os

from celery import shared_task
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from protocol.jobs import RECORD_REPORT
from provisioning.audit.worker import affected
from provisioning.audit.worker import run as audits
from provisioning.audit.worker import told as audit_told
from provisioning.broker.worker import access as broker_access
from provisioning.core import refusals
from provisioning.core.database_trouble import may_pass
from provisioning.jobs.worker import reaper, reports
from provisioning.jobs.worker.dispatch import BROKER_ERRORS
from provisioning.looks import due
from provisioning.models import ComponentHeartbeat
from provisioning.states import AuditTrigger

log = logging.getLogger(__name__)
HEARTBEAT_WITHIN_S = 4


class DatabaseInTrouble(Exception):
    """The database cannot do now what it may do later."""


@shared_task(name=RECORD_REPORT, autoretry_for=(DatabaseInTrouble,), retry_backoff=1, retry_backoff_max=60,
             max_retries=None)
def record_report(report, signature):
    """Record a report that came before the console had queues for each host, or of an agent of that time at RabbitMQ;
    tried again while the database is in trouble, whatever it is."""
    try:
        _record(report, signature)
    except DatabaseError as error:
        if may_pass(error):
            raise DatabaseInTrouble(str(error)) from error
        raise


def _record(report, signature):
    try:
        reports.record_report(report, signature)
    except reports.ReportRefused as refused:
        log.warning("a report was refused: %s", refused)
        refusals.record(host=refused.host, kind="report", text=f"A report was refused: {refused}")


def reap_jobs():
    """Move jobs that nobody reports any more to lost."""
    reaper.reap()


def look_around():
    """Look on the hosts whose turn it is."""
    due.look_around()


def keep_broker_accounts():
    """Accounts of hosts at the broker: a Redis that was started anew has none of them."""
    try:
        broker_access.keep_and_note()
    except (RedisError, OSError) as error:
        log.info("accounts of hosts at the broker were not looked at: %s", error)


@shared_task(name="provisioning.run_audit")
def run_audit(primary_ids=None, trigger=AuditTrigger.SCHEDULE.value, asked_by=""):
    """Audit these pairs, all when None."""
    audits.run_audit(primary_ids, trigger=AuditTrigger(trigger), asked_by=asked_by)


def audit_changes():
    """Audit the pairs that something was changed for since the last look, and tell what became worse or better."""
    affected.audit_affected()
    audit_told.tell_of_verdicts()


def audit_everything():
    """The audit on schedule; it also forgets results that are too old."""
    audits.run_audit(trigger=AuditTrigger.SCHEDULE)
    audits.forget_old()


@shared_task(name="provisioning.heartbeat")
def heartbeat():
    """Sign of life: asked for by the schedule, by way of the queue, so it stands for both."""
    try:
        ComponentHeartbeat.show("console-worker", "beat", pid=os.getpid())
    except DatabaseError as error:
        # Celery would write a whole trace, every few seconds for as long as the database is away.
        log.info("the console worker shows no sign of life: %s", error)


def ask_for_heartbeat():
    """By way of the queue: what waits there is not carried out by a worker that is alone in looking well."""
    try:
        heartbeat.apply_async(expires=HEARTBEAT_WITHIN_S, retry=False)
    except BROKER_ERRORS as error:
        log.info("the console worker shows no sign of life: %s", error)
