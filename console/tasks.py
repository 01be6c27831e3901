"""Tasks and duties that call services: what the console does by itself, on behalf of people. Entry points only."""

from celery import shared_task

from provisioning.accounts.services import sign_in
from provisioning.accounts.worker.tokens import tell_what_expires
from provisioning.drills.services import drills
from provisioning.drills.services import run as drill_run
from provisioning.drills.worker import row as drill_rows
from provisioning.repeats import services as repeats
from provisioning.server_log.services import detail


@shared_task(name=drill_rows.RUN_DRILL)
def run_drill(drill_id):
    """A failover drill, to its report; delivered again after the end of its worker it is not run again."""
    drill_run.run_drill(drill_id=drill_id)
    drills.start_due()


def keep_drills():
    """End drills that nobody carries out any more, and start what is due."""
    drill_rows.reap()
    drills.start_due()


def end_more_detail():
    """Logs that were more detailed for a while are as before."""
    detail.end_due()


def keep_sign_ins():
    """Tell History of failed sign-ins that were only counted, and forget what does not count any more."""
    sign_in.tell_and_forget()


def keep_answers():
    """Forget what the API answered to requests that nobody sends again."""
    repeats.forget_old()


def keep_tokens():
    """Tell of API tokens that expire soon."""
    tell_what_expires()
