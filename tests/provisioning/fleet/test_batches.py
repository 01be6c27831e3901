"""One verb on many applications: made together, seen together, the failed ones tried again alone."""

import uuid

import pytest

from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.fleet.selectors.batches import get_batch
from provisioning.fleet.services import batches as services
from provisioning.models import Job
from provisioning.states import ApplicationStatus, JobState
from provisioning.verbs.services.jobs import retry_job
from tests.factories import OPERATOR, SUPPORT, make_application, make_host

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def on_hosts(number: int, **fields):
    fields = {"installed": True, **fields}
    return [make_application(f"MS{n}", host=make_host(f"host{n}"), **fields) for n in range(number)]


def start(rows):
    return services.start_applications(actor=OPERATOR, application_ids=[row.pk for row in rows])


def end(job, state):
    Job.objects.filter(pk=job.pk).update(state=state)


def test_each_that_can_start_does_and_the_others_say_why_not():
    good, bad = make_application("Good", host=make_host(), installed=True), make_application("Bad", host=make_host())
    asked = services.start_applications(actor=OPERATOR, application_ids=[good.pk, bad.pk, 99_999])
    assert [job.application_name for job in asked.jobs] == ["Good"]
    assert set(asked.refusals) == {bad.pk, 99_999}
    assert "not installed" in asked.refusals[bad.pk][0].message
    assert asked.batch is None  # a job alone has its own page


def test_several_jobs_are_one_batch_by_host_with_a_column_for_each_step():
    asked = start(reversed(on_hosts(3)))
    batch = get_batch(asked.batch)
    assert [(row.job.host_name, row.attempts) for row in batch.rows] == [("host0", 1), ("host1", 1), ("host2", 1)]
    assert batch.columns == ("Start the process", "Wait until the server is ready")
    assert {step.state for row in batch.rows for step in row.steps} == {"waiting"}
    assert batch.name == "Start 3 applications"


def test_stop_and_install_make_batches_as_well(control):
    rows = on_hosts(2, status=ApplicationStatus.STARTED)
    asked = services.stop_applications(actor=OPERATOR, application_ids=[row.pk for row in rows], graceful=True)
    assert {job.arguments["graceful"] for job in get_batch(asked.batch).jobs} == {True}


def test_only_what_failed_is_tried_again_and_takes_its_place_in_the_grid():
    asked = start(on_hosts(3))
    end(asked.jobs[0], JobState.SUCCEEDED)
    end(asked.jobs[1], JobState.FAILED)
    Job.objects.filter(pk=asked.jobs[2].pk).update(state=JobState.RUNNING)
    again = services.retry_batch(actor=OPERATOR, batch=asked.batch)
    assert [job.application_name for job in again.jobs] == ["MS1"]
    batch = get_batch(asked.batch)
    assert [(row.job.application_name, row.attempts) for row in batch.rows] == [("MS0", 1), ("MS1", 2), ("MS2", 1)]
    assert batch.rows[1].job.retry_of_id == asked.jobs[1].pk
    assert Job.objects.count() == 4


def test_one_that_is_tried_again_on_its_own_page_stays_in_the_batch():
    asked = start(on_hosts(2))
    end(asked.jobs[0], JobState.LOST)
    again = retry_job(actor=OPERATOR, job_id=asked.jobs[0].pk)
    assert get_batch(asked.batch).rows[0].job == again


def test_what_cannot_be_tried_again_says_why_and_hinders_nobody():
    rows = on_hosts(2)
    asked = start(rows)
    Job.objects.update(state=JobState.FAILED)
    type(rows[0]).objects.filter(pk=rows[0].pk).update(enabled=False)
    again = services.retry_batch(actor=OPERATOR, batch=asked.batch)
    assert [job.application_name for job in again.jobs] == ["MS1"]
    assert "disabled" in again.refusals[rows[0].pk][0].message


def test_nothing_to_try_again_is_a_sentence():
    asked = start(on_hosts(2))
    Job.objects.update(state=JobState.SUCCEEDED)
    with pytest.raises(Refused, match="Nothing here can be tried again"):
        services.retry_batch(actor=OPERATOR, batch=asked.batch)


def test_cancel_ends_what_has_not_ended():
    asked = start(on_hosts(3))
    end(asked.jobs[0], JobState.SUCCEEDED)
    assert len(services.cancel_batch(actor=OPERATOR, batch=asked.batch).jobs) == 2
    assert get_batch(asked.batch).counts == {JobState.SUCCEEDED: 1, JobState.CANCELLED: 2}
    with pytest.raises(Refused, match="ended already"):
        services.cancel_batch(actor=OPERATOR, batch=asked.batch)


def test_a_batch_that_is_not_there_and_somebody_who_may_not():
    with pytest.raises(NotFound):
        get_batch(uuid.uuid4())
    asked = start(on_hosts(2))
    Job.objects.update(state=JobState.FAILED)
    with pytest.raises(NotAllowed):
        services.retry_batch(actor=SUPPORT, batch=asked.batch)


def test_a_grid_of_many_hosts_costs_two_queries(django_assert_num_queries):
    asked = start(on_hosts(20))
    with django_assert_num_queries(2):
        assert len(get_batch(asked.batch).rows) == 20
