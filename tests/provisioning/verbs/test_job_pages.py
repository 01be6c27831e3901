"""Pages of jobs."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import Job, JobLine
from provisioning.states import JobKind, JobState, StepState
from provisioning.verbs.views.jobs import LINES
from tests import factories
from tests.html import flat

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def application():
    return factories.make_application("MS_Primary", host=factories.make_host("localhost"))


def write(job, count, start=1):
    JobLine.objects.bulk_create(
        JobLine(job=job, number=n, at=timezone.now(), text=f"line {n}.") for n in range(start, start + count))


def detail(job):
    return reverse("job-detail", args=[job.pk])


# --- list


def test_the_list_shows_active_jobs_first_then_the_newest(administrator, application):
    old = factories.make_job(application, state=JobState.SUCCEEDED)
    active = factories.make_job(application, kind=JobKind.INSTALL, state=JobState.RUNNING)
    new = factories.make_job(application, kind=JobKind.STOP, state=JobState.FAILED, reason="It did not stop.")
    page = administrator.get(reverse("job-list"))
    assert [job.pk for job in page.context["page"]] == [active.pk, new.pk, old.pk]
    assert "It did not stop." in page.text


@pytest.mark.parametrize(("query", "found"), [
    ("state=active", {"install"}), ("state=failed", {"stop"}), ("kind=start", {"start"}), ("host=elsewhere", set()),
    ("application=MS_Primary", {"install", "stop", "start"}), ("state=nonsense", {"install", "stop", "start"}),
])
def test_the_list_is_filtered_by_its_address(administrator, application, query, found):
    factories.make_job(application, kind="start", state=JobState.SUCCEEDED)
    factories.make_job(application, kind="install", state=JobState.RUNNING)
    factories.make_job(application, kind="stop", state=JobState.FAILED)
    page = administrator.get(f"{reverse('job-list')}?{query}")
    assert {job.kind for job in page.context["page"]} == found


def test_the_list_is_cut_into_pages(administrator, application):
    for _ in range(51):
        factories.make_job(application, state=JobState.SUCCEEDED)
    page = administrator.get(f"{reverse('job-list')}?page=2")
    assert len(page.context["page"]) == 1
    assert "Page 2 of 2" in page.text


def test_an_empty_list_says_what_to_do_next(administrator):
    assert "Install or start an application" in administrator.get(reverse("job-list")).text


def test_a_page_of_jobs_costs_the_same_queries_whatever_its_length(
        administrator, application, django_assert_max_num_queries):
    for _ in range(20):
        factories.make_job(application, state=JobState.SUCCEEDED)
    with django_assert_max_num_queries(11):
        administrator.get(reverse("job-list"))


# --- one job


def test_a_running_job_shows_its_steps_its_log_and_asks_for_more(administrator, application):
    job = factories.make_job(application, kind=JobKind.INSTALL, state=JobState.RUNNING, started_at=timezone.now())
    job.steps.filter(number=0).update(state=StepState.RUNNING, started_at=timezone.now())
    write(job, 3)
    text = administrator.get(detail(job)).text
    assert "Install MS_Primary on localhost" in text
    assert "Step 0" in text
    assert "line 3." in text
    assert f'data-live-topic="job:{job.pk}"' in text
    assert f'hx-get="{reverse("job-lines", args=[job.pk])}?after=3"' in text


def test_a_finished_job_is_a_report_that_asks_for_nothing_more(administrator, application):
    job = factories.make_job(
        application, kind=JobKind.INSTALL, state=JobState.SUCCEEDED, result={
            "working_directory": "/srv/ms", "command_line": "./MessageServer", "command_line_arguments": "-app MS",
            "version": "8.5.1", "backup": "/srv/ms.backup_1"})
    write(job, 2)
    text = administrator.get(detail(job)).text
    assert 'data-live-topic="job' not in text
    assert "every 3s" not in text
    for fact in ("/srv/ms", "./MessageServer", "-app MS", "8.5.1", "/srv/ms.backup_1", "Start MS_Primary"):
        assert fact in text


def test_support_is_told_why_it_cannot_start_after_an_install(support, application):
    job = factories.make_job(application, kind=JobKind.INSTALL, state=JobState.SUCCEEDED)
    assert re.search(r'id="job-next"[^>]*aria-disabled="true" title="Your role', support.get(detail(job)).text)


def test_a_failed_job_says_why_and_what_to_do_and_links_the_object(administrator, application):
    job = factories.make_job(application, state=JobState.FAILED, reason="Control did not answer.",
                             advice="Start control.")
    text = administrator.get(detail(job)).text
    assert "Control did not answer." in text
    assert "Start control." in text
    assert reverse("application-edit", args=[application.pk]) in text
    assert "Retry" in text


def test_what_a_host_wrote_is_text_not_markup(administrator, application):
    job = factories.make_job(application, state=JobState.FAILED, reason="<script>alert(1)</script>")
    JobLine.objects.create(job=job, number=1, at=timezone.now(), text="<img src=x onerror=alert(1)>")
    text = administrator.get(detail(job)).text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_a_job_that_was_not_handed_over_says_so_and_offers_a_retry(administrator, application):
    text = administrator.get(detail(factories.make_job(application, enqueued_at=None))).text
    assert "did not take it, so localhost has not seen it." in text
    assert "Retry" in text


def test_a_job_that_waits_for_its_host_does_not_claim_trouble(administrator, application):
    text = administrator.get(detail(factories.make_job(application, enqueued_at=timezone.now()))).text
    assert "did not take it" not in text


def test_the_usual_duration_is_the_median_of_earlier_ones(administrator, application):
    now = timezone.now()
    for seconds in (10, 20, 90):
        factories.make_job(application, state=JobState.SUCCEEDED, started_at=now - timedelta(seconds=seconds),
                           finished_at=now)
    job = factories.make_job(application, state=JobState.RUNNING, started_at=now)
    assert "usually 20 s" in flat(administrator.get(detail(job)))


def test_the_fragment_of_a_job_has_no_frame_and_brings_state_and_buttons_along(administrator, application):
    job = factories.make_job(application, state=JobState.RUNNING, started_at=timezone.now())
    text = administrator.get(detail(job), headers=HTMX).text
    assert "<html" not in text
    assert 'id="job-state" role="status" hx-swap-oob' in text
    assert 'id="job-toolbar"' in text


def test_the_log_goes_on_after_an_offset(administrator, application):
    job = factories.make_job(application, state=JobState.RUNNING)
    write(job, 5)
    text = administrator.get(reverse("job-lines", args=[job.pk]) + "?after=3").text
    assert "line 3." not in text
    assert "line 4." in text
    assert "?after=5" in text


def test_a_long_log_comes_in_parts_even_when_the_job_has_ended(administrator, application):
    job = factories.make_job(application, state=JobState.SUCCEEDED)
    write(job, LINES + 1)
    first = flat(administrator.get(detail(job)))
    assert f"line {LINES}." in first
    assert f"line {LINES + 1}." not in first
    assert f'?after={LINES}" hx-trigger="load"' in first
    rest = administrator.get(reverse("job-lines", args=[job.pk]) + f"?after={LINES}").text
    assert f"line {LINES + 1}." in rest
    assert "hx-get" not in rest


@pytest.mark.parametrize("after", ["-1", "x", "9" * 30, ""])
def test_a_malformed_offset_begins_at_the_start(administrator, application, after):
    job = factories.make_job(application, state=JobState.SUCCEEDED)
    write(job, 1)
    assert "line 1." in administrator.get(reverse("job-lines", args=[job.pk]), {"after": after}).text


def test_a_job_that_does_not_exist_is_not_found(administrator):
    assert administrator.get(reverse("job-detail", args=["00000000-0000-0000-0000-000000000000"])).status_code == 404


# --- cancel and retry


def test_cancel_asks_first(administrator, application):
    job = factories.make_job(application, state=JobState.RUNNING)
    page = administrator.get(reverse("job-cancel", args=[job.pk]))
    assert "Cancel Start MS_Primary?" in page.text
    assert "is stopped again" in page.text
    job.refresh_from_db()
    assert job.cancel_requested_at is None


def test_cancel_of_a_running_job_asks_its_host(administrator, application, no_broker):
    job = factories.make_job(application, state=JobState.RUNNING)
    page = administrator.post(reverse("job-cancel", args=[job.pk]), follow=True)
    job.refresh_from_db()
    assert (job.state, job.cancel_requested_by) == (JobState.RUNNING, "administrator")
    assert "the host ends its work first" in page.text


def test_cancel_of_an_ended_job_is_refused_with_a_sentence(administrator, application):
    job = factories.make_job(application, state=JobState.SUCCEEDED)
    page = administrator.post(reverse("job-cancel", args=[job.pk]), follow=True)
    assert "has ended already" in page.text


def test_retry_makes_a_new_job_and_goes_there(administrator, application, no_broker):
    type(application).objects.update(working_directory="/srv/ms", command_line="./MessageServer")
    job = factories.make_job(application, state=JobState.FAILED)
    answer = administrator.post(reverse("job-retry", args=[job.pk]))
    again = Job.objects.get(retry_of=job)
    assert answer.url == detail(again)


def test_retry_of_a_succeeded_job_is_refused_with_a_sentence(administrator, application):
    job = factories.make_job(application, state=JobState.SUCCEEDED)
    page = administrator.post(reverse("job-retry", args=[job.pk]), follow=True)
    assert "only a job that failed" in page.text
    assert Job.objects.count() == 1


@pytest.mark.parametrize("verb", ["job-cancel", "job-retry"])
def test_support_sees_a_job_but_cannot_touch_it(support, application, verb):
    job = factories.make_job(application, state=JobState.FAILED)
    assert support.get(detail(job)).status_code == 200
    answer = support.post(reverse(verb, args=[job.pk]), headers=HTMX)
    assert answer.status_code == 403
    assert "Your role does not let you start, stop and switch over applications" in answer.text


def test_an_operator_may_cancel_a_start_but_not_an_install(operator, application, no_broker):
    install = factories.make_job(application, kind=JobKind.INSTALL, state=JobState.RUNNING)
    assert operator.post(reverse("job-cancel", args=[install.pk])).status_code == 403
    Job.objects.update(kind=JobKind.START)
    assert operator.post(reverse("job-cancel", args=[install.pk])).status_code == 302


@pytest.mark.parametrize("name", ["job-list", "monitoring", "event-list", "history", "host-list", "template-list",
                                  "package-list"])
def test_nobody_and_people_without_a_role_see_nothing(client, without_role, name):
    assert without_role.get(reverse(name)).status_code == 403
    client.logout()
    assert client.get(reverse(name)).url == f"/login/?next={reverse(name)}"


@pytest.mark.parametrize(("kind", "changes", "sentence"), [
    ("check_start_files", {}, "The start files of MS_Primary are not as they should be."),
    ("check_start_files", {"starts": True}, "run.sh starts MS_Primary with the right -host, -port and -app"),
    ("check_start_files", {"equal": True, "starts": True}, "The start files of MS_Primary are as they should be."),
    ("repair_start_files", {"equal": True}, "The start files of MS_Primary were written as they should be."),
])
def test_what_a_look_at_the_start_files_found_is_the_jobs_report(administrator, application, kind, changes, sentence):
    file = {"name": "run.sh", "sentence": "-app is missing.", "diff": "-./MessageServer <app>"}
    result = {"start_files": {"equal": False, "starts": False, "files": [file], **changes}, "written": ["run.sh"]}
    job = factories.make_job(application, kind=kind, state=JobState.SUCCEEDED, result=result)
    page = administrator.get(detail(job)).text
    for text in (sentence, "-app is missing.", "-./MessageServer &lt;app&gt;"):
        assert text in page


@pytest.mark.parametrize("kind", ["check_start_files", "repair_start_files"])
def test_cancelling_a_look_at_the_start_files_says_what_follows(administrator, application, kind):
    job = factories.make_job(application, kind=kind, state=JobState.RUNNING)
    page = administrator.get(reverse("job-cancel", args=[job.pk])).text
    assert {"check_start_files": "Nothing is changed on localhost.",
            "repair_start_files": "What was written on localhost is taken back"}[kind] in page


def test_looks_on_hosts_are_counted_and_shown_when_asked_for(administrator, application):
    factories.make_job(application, kind="stop", state="succeeded")
    for _ in range(2):
        Job.objects.create(kind="collect_facts", host=application.host, host_name=application.host.name,
                           state="succeeded", created_by="Pairwise")
    page = administrator.get(reverse("job-list")).text
    assert "2 looks on hosts are not shown." in page
    assert re.search(r"1–1 of\s+1\b", page)
    assert 'href="?kind=collect_facts"' in page
    shown = administrator.get(reverse("job-list"), {"kind": "collect_facts"})
    assert len(shown.context["page"].object_list) == 2
    assert "not shown" not in shown.text
    job = administrator.get(reverse("job-detail", args=[Job.objects.filter(kind="collect_facts").first().pk])).text
    assert "was looked at" in job
