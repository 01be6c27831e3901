"""The page of jobs that were asked for together."""

import pytest
from django.urls import reverse

from provisioning.fleet.services.batches import start_applications
from provisioning.models import Job
from provisioning.states import ApplicationStatus, JobState, StepState
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def asked():
    rows = [factories.make_application(f"MS{n}", host=factories.make_host(f"host{n}"), installed=True,
                                       status=ApplicationStatus.STOPPED) for n in range(3)]
    return start_applications(actor=factories.OPERATOR, application_ids=[row.pk for row in rows])


def address(asked, verb="detail"):
    return reverse(f"batch-{verb}", args=[asked.batch])


def test_starting_several_from_the_list_leads_to_their_grid(operator):
    rows = [factories.make_application(f"MS{n}", host=factories.make_host(), installed=True,
                                       status=ApplicationStatus.STOPPED) for n in range(2)]
    idle = factories.make_application("Idle", host=factories.make_host(), status=ApplicationStatus.STOPPED)
    page = operator.post(reverse("application-action"), {"verb": "start", "ids": [r.pk for r in (*rows, idle)]},
                         follow=True)
    assert page.redirect_chain[-1][0] == reverse("batch-detail", args=[Job.objects.first().batch])
    assert "Start 2 applications" in page.text
    assert "Idle" in " ".join(map(str, page.context["messages"]))  # why the third did not start


def test_a_page_of_its_own_that_starts_several_is_not_left(operator):
    rows = [factories.make_application(f"MS{n}", host=factories.make_host(), installed=True,
                                       status=ApplicationStatus.STOPPED) for n in range(2)]
    back = reverse("pair-detail", args=[rows[0].pk])
    answer = operator.post(reverse("application-action"), {"verb": "start", "ids": [r.pk for r in rows], "next": back,
                                                            "stay": "1"})
    assert answer.url == back


def test_installing_several_asks_first_and_names_each_host(administrator):
    factories.make_package()
    rows = [factories.make_application(f"MS{n}", host=factories.make_host(f"host{n}"),
                                       status=ApplicationStatus.STOPPED) for n in range(2)]
    page = administrator.post(reverse("application-action"), {"verb": "install", "ids": [row.pk for row in rows]},
                              headers=HTMX)
    assert "Install 2 applications?" in page.text
    assert "MS1 is installed on host1, in a directory of its own." in page.text
    assert not Job.objects.exists()


def test_the_grid_has_a_row_for_each_host_and_a_cell_for_each_step(operator, asked):
    job = asked.jobs[1]
    job.steps.filter(number=0).update(state=StepState.FAILED)
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, reason="It did not start.", advice="Read its log.")
    page = operator.get(address(asked)).text
    assert page.count('class="step-cell"') == 6
    assert 'data-label="Start the process"' in page
    assert "It did not start. Read its log." in page
    assert "Retry 3 that failed" in page  # two of them were not handed over to anybody


def test_htmx_gets_the_part_that_changes_and_listens_for_its_own_jobs(operator, asked):
    page = operator.get(address(asked), headers=HTMX).text
    assert f'data-live-topic="batch:{asked.batch}"' in page
    assert "<html" not in page
    Job.objects.update(state=JobState.SUCCEEDED)
    assert "every 5s" not in operator.get(address(asked), headers=HTMX).text


def test_retry_tries_the_failed_ones_again_alone(operator, asked):
    Job.objects.update(state=JobState.SUCCEEDED)
    Job.objects.filter(pk=asked.jobs[2].pk).update(state=JobState.FAILED)
    page = operator.post(address(asked, "retry"), follow=True)
    assert "1 job is tried again." in page.text
    assert Job.objects.filter(retry_of=asked.jobs[2].pk).count() == 1
    assert Job.objects.count() == 4
    assert "attempt 2" in page.text


def test_cancel_asks_first_and_names_what_is_hit(operator, asked):
    Job.objects.filter(pk=asked.jobs[0].pk).update(state=JobState.SUCCEEDED)
    page = operator.get(address(asked, "cancel"), headers=HTMX).text
    assert "MS1 on host1" in page
    assert "MS0" not in page
    page = operator.post(address(asked, "cancel"), follow=True)
    assert "2 jobs are cancelled." in page.text


def test_support_sees_the_grid_and_cannot_touch_it(support, asked):
    page = support.get(address(asked))
    assert "Your role does not let you" in page.text
    for verb in ("retry", "cancel"):
        assert support.post(address(asked, verb), headers=HTMX).status_code == 403


def test_the_page_of_one_of_the_jobs_leads_to_the_others(operator, asked):
    assert address(asked) in operator.get(reverse("job-detail", args=[asked.jobs[0].pk])).text
