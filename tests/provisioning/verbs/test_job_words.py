"""What pages say of a job: each kind in each of its states speaks of itself, and of no other kind."""

import html
import re
from string import Formatter

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.jobs.kinds import KINDS
from provisioning.jobs.worker import reaper
from provisioning.jobs.worker.outcome import finish
from provisioning.models import Host, Job
from provisioning.states import ACTIVE_JOBS, JobKind, JobState
from tests import factories

pytestmark = pytest.mark.django_db
RESULTS = {
    "install": {"working_directory": "/srv/ms", "command_line": "./MessageServer", "command_line_arguments": "-app MS",
                "version": "8.5", "backup": "/srv/ms.backup"},
    "start": {"pid": 4711, "mode": "Primary"}, "stop": {"exit_code": 3},
    "restart": {"pid": 4711, "mode": "Primary", "exit_code": 3},
    "check_start_files": {"start_files": {"equal": True, "starts": True, "files": []}},
    "repair_start_files": {"start_files": {"equal": True, "starts": True, "files": []}, "written": ["run.sh"]},
    "make_certificates": {"certificate": "/srv/ms/c.pem", "certificate_key": "/srv/ms/k.pem",
                          "trusted_ca": "/srv/ca.pem"},
    "collect_facts": {},
}
DONE = {
    "install": "MS_One is installed. The package reached the Configuration Server",
    "start": "MS_One is started as Primary, process 4711 on alpha.",
    "stop": "MS_One is stopped, exit code 3. It stays stopped until somebody starts it.",
    "restart": "MS_One was restarted as Primary, process 4711 on alpha.",
    "check_start_files": "The start files of MS_One are as they should be.",
    "repair_start_files": "The start files of MS_One were written as they should be.",
    "make_certificates": "MS_One has a certificate for its secured ports",
    "collect_facts": "What is true on alpha was looked at",
}
EVERY = [(kind, state) for kind in JobKind.values for state in JobState.values]


@pytest.fixture
def host():
    return factories.make_host("alpha")


def job_of(kind, host, state, **fields):
    fields = {"host": host, "host_name": host.name, "created_by": "ada", "enqueued_at": timezone.now(),
              "result": RESULTS[kind] if state == JobState.SUCCEEDED else {}, **fields}
    if not KINDS[kind].of_host:
        row = factories.make_application("MS_One", host=host, installed=True)
        fields |= {"application": row, "application_name": row.name}
    return Job.objects.create(kind=kind, state=state, **fields)


def texts_of(kind):
    """Everything that only this kind says, as it is said of MS_One on alpha."""
    row, names = KINDS[kind], {"application": "MS_One", "host": "alpha"}
    told = {getattr(row, name).format(**names) for name in ("noun", "running", "cancel", "lost")}
    return told | {DONE[kind]}


def seen(answer):
    """The text of a page's content: without its menus, which name everything."""
    body = answer.text.partition('<main')[2] or answer.text
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def says_only(page, kind):
    """No sentence of another kind is in ``page``, unless one of its own holds it."""
    own = texts_of(kind)
    for other in set(JobKind.values) - {kind}:
        for text in texts_of(other):
            assert text not in page or any(text in each for each in own), (kind, other, text)


def test_kinds_have_words_of_their_own():
    every = [text for kind in JobKind.values for text in texts_of(kind)]
    assert len(set(every)) == len(every) == 5 * len(JobKind.values)
    fields = {name for row in KINDS.values() for text in (row.noun, row.running, row.cancel, row.lost)
              for _, name, _, _ in Formatter().parse(text) if name}
    assert fields <= {"application", "host"}


@pytest.mark.parametrize(("kind", "state"), EVERY)
def test_the_page_of_a_job_speaks_of_this_kind_alone(administrator, host, kind, state):
    job = job_of(kind, host, state)
    page = seen(administrator.get(reverse("job-detail", args=[job.pk])))
    wanted = KINDS[kind].sentence(job)
    assert wanted in page
    says_only(page, kind)
    if state == JobState.SUCCEEDED:
        assert wanted.startswith(DONE[kind])
    elif state not in (JobState.RUNNING, JobState.CLAIMED, JobState.LOST):
        assert KINDS[kind].noun.format(application="MS_One", host="alpha") in page


@pytest.mark.parametrize("kind", JobKind.values)
@pytest.mark.parametrize("state", sorted(ACTIVE_JOBS))
def test_asking_for_a_cancel_and_its_message_speak_of_this_kind_alone(administrator, host, no_broker, kind, state):
    job = job_of(kind, host, state)
    address = reverse("job-cancel", args=[job.pk])
    question = seen(administrator.get(address))
    assert KINDS[kind].cancelling(job) in question
    says_only(question, kind)
    answer = seen(administrator.post(address, follow=True))
    noun = KINDS[kind].noun.format(application="MS_One", host="alpha")
    ended = state == JobState.QUEUED
    assert f"The {noun} {'was cancelled.' if ended else 'is being cancelled: the host ends its work first.'}" in answer
    says_only(answer, kind)


@pytest.mark.parametrize("kind", [kind for kind in JobKind.values if not KINDS[kind].of_host])
def test_cancelling_several_speaks_of_this_kind_alone(administrator, host, kind):
    batch = "00000000-0000-0000-0000-000000000007"
    job_of(kind, host, JobState.RUNNING, batch=batch)
    page = seen(administrator.get(reverse("batch-cancel", args=[batch])))
    assert KINDS[kind].cancel.format(host="its host") in page
    says_only(page.replace("its host", "alpha"), kind)


@pytest.mark.parametrize("kind", JobKind.values)
def test_a_host_that_fell_silent_is_told_in_words_of_this_kind(administrator, host, kind, settings, broker):
    began = timezone.now()
    job = job_of(kind, host, JobState.RUNNING, started_at=began, heard_at=began)
    for after_s in (0, 10, 20, 30, settings.JOB_LOST_AFTER_S + 10):
        reaper.reap(began + timezone.timedelta(seconds=after_s))
    job.refresh_from_db()
    assert job.state == JobState.LOST
    assert job.reason.endswith(KINDS[kind].lost.format(host="alpha"))
    says_only(seen(administrator.get(reverse("job-detail", args=[job.pk]))), kind)


@pytest.mark.parametrize("kind", ["install", "make_certificates", "collect_facts"])
def test_a_result_that_cannot_be_used_is_told_in_words_of_this_kind(administrator, host, kind):
    job = job_of(kind, host, JobState.RUNNING, arguments=factories.asked_to_install())
    assert finish(job, JobState.SUCCEEDED, at=timezone.now(), result={}, fields={})
    job.refresh_from_db()
    noun = KINDS[kind].noun.format(application="MS_One", host="alpha")
    assert job.state == JobState.ERROR
    assert job.reason.startswith(f"The host reported the {noun} as finished, but ")
    says_only(seen(administrator.get(reverse("job-detail", args=[job.pk]))), kind)


@pytest.mark.parametrize("kind", JobKind.values)
def test_a_result_of_a_host_that_says_anything_breaks_no_page(administrator, host, kind):
    odd = ["{0}", {"a": "{b}"}, "{application.secret}", 7, None, []]
    for value in odd:
        result = dict.fromkeys(("pid", "mode", "exit_code", "start_files", "written", "backup", "version"), value)
        job = job_of(kind, host, JobState.SUCCEEDED, result=result)
        assert administrator.get(reverse("job-detail", args=[job.pk])).status_code == 200
        Job.objects.all().delete()
        type(job).application.field.related_model.objects.all().delete()
    assert Host.objects.count() == 1
