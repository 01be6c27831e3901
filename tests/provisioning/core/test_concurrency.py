"""What holds when two people, or a person and a host, act at the same moment: real threads on a real database."""

import threading
import time
from dataclasses import replace

import pytest
from django.db import connection

from protocol.jobs import sign_report
from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services import applications
from provisioning.errors import Conflict, Refused
from provisioning.jobs.worker.reports import record_report
from provisioning.models import Application, HistoryEntry, Job
from provisioning.verbs.services import jobs
from tests.factories import (
    ADMINISTRATOR,
    OPERATOR,
    make_application,
    make_draft,
    make_host,
    make_job,
    make_template,
    port,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_broker", "no_control")]


def together(*work):
    """Run callables at the same moment; their results or exceptions, in order."""
    barrier, results = threading.Barrier(len(work)), [None] * len(work)

    def run(index, call):
        barrier.wait(timeout=10)
        try:
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def test_of_many_starts_at_once_one_becomes_a_job():
    row = make_application("MS", host=make_host("alpha"), installed=True)
    results = together(*[lambda: jobs.start_application(actor=OPERATOR, application_id=row.pk)] * 5)
    assert [type(result) for result in results].count(Job) == 1
    refused = [result for result in results if isinstance(result, Refused)]
    assert len(refused) == 4
    assert all("Another job works on MS" in str(error) for error in refused)
    assert Job.objects.count() == 1


def test_of_two_saves_of_one_revision_one_is_a_conflict():
    row = applications.create_application(actor=ADMINISTRATOR, draft=make_draft(name="MS"))
    draft = application_draft(Application.objects.get(pk=row.pk))

    def save(seconds):
        return lambda: applications.update_application(
            actor=ADMINISTRATOR, application_id=row.pk, revision=1, draft=replace(draft, startup_timeout=seconds))

    results = together(save(30), save(60))
    assert {type(result) for result in results} == {Application, Conflict}
    assert Application.objects.get(pk=row.pk).revision == 2
    assert HistoryEntry.objects.filter(action="changed").count() == 1


def test_of_two_applications_on_one_port_of_a_host_one_is_refused():
    host, template = make_host("alpha"), make_template()

    def create(name):
        draft = make_draft(name=name, host_id=host.pk, template_id=template.pk, ports=(port("default", 7001),))
        return lambda: applications.create_application(actor=ADMINISTRATOR, draft=draft)

    results = together(create("A"), create("B"), create("C"))
    assert [type(r).__name__ for r in results].count("Application") == 1
    assert all("Port 7001 is used on host alpha" in str(r) for r in results if isinstance(r, Refused))
    assert Application.objects.count() == 1


def test_reports_that_arrive_at_once_are_applied_in_order():
    job = make_job(make_application("MS", host=make_host("alpha")))
    bodies = [{"job": str(job.pk), "host": "alpha", "seq": seq, "at": time.time(), "kind": "log",
               "lines": [[0, "info", str(seq)]]} for seq in range(1, 13)]
    results = together(*[lambda body=body: record_report(body, sign_report(job.host.secret, body))
                         for body in reversed(bodies)])
    assert results == [None] * 12
    assert list(job.lines.values_list("number", "text")) == [(n, str(n)) for n in range(1, 13)]
