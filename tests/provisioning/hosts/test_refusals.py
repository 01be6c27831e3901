"""A host's secret opens only what is its own: forged, replayed, reordered and foreign words are refused, and its page
says so."""

import time

import pytest
from django.urls import reverse

from protocol.jobs import sign_report
from provisioning import tasks
from provisioning.core import refusals
from provisioning.hosts.services import enrolment
from provisioning.models import Event, HostEnrolment, Job
from tests import factories

from .machines import exchange, signed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker", "no_control")]


@pytest.fixture
def alpha():
    return factories.make_host("alpha")


@pytest.fixture
def beta():
    return factories.make_host("beta")


@pytest.fixture
def job(alpha):
    return factories.make_job(factories.make_application("MS", host=alpha), state="claimed", last_seq=1)


def report(job, signer, seq=2, **fields):
    body = {"job": str(job.pk), "host": "alpha", "seq": seq, "at": time.time(), "kind": "finished",
            "state": "succeeded", "result": {}, **fields}
    tasks.record_report(body, sign_report(signer.secret, body))
    return Job.objects.get(pk=job.pk)


def page(client, host):
    return client.get(reverse("host-detail", args=[host.pk])).text


# --- reports


def test_a_forged_report_is_refused_and_on_the_hosts_page(administrator, alpha, job):
    body = {"job": str(job.pk), "host": "alpha", "seq": 2, "at": 0, "kind": "finished", "state": "succeeded"}
    tasks.record_report(body, "0" * 64)
    assert Job.objects.get(pk=job.pk).state == "claimed"
    assert "A report was refused: It is not signed with the secret of host" in page(administrator, alpha)


def test_a_report_that_was_changed_on_its_way_is_refused(administrator, alpha, job):
    body = {"job": str(job.pk), "host": "alpha", "seq": 2, "at": 0, "kind": "finished", "state": "failed"}
    tasks.record_report({**body, "state": "succeeded"}, sign_report(alpha.secret, body))
    assert Job.objects.get(pk=job.pk).state == "claimed"
    assert "It is not signed" in page(administrator, alpha)


def test_another_hosts_secret_does_not_speak_for_a_host(administrator, alpha, beta, job):
    assert report(job, beta).state == "claimed"
    assert "A report was refused" in page(administrator, alpha)


def test_a_host_does_not_speak_of_another_hosts_job(administrator, alpha, beta, job):
    assert report(job, beta, host="beta").state == "claimed"
    assert f"Host beta has no job &#x27;{job.pk}&#x27;" in page(administrator, beta)
    assert "Refused" not in page(administrator, alpha)


def test_a_replayed_report_changes_nothing_and_is_told(administrator, alpha, job):
    body = {"job": str(job.pk), "host": "alpha", "seq": 2, "at": time.time(), "kind": "log",
            "lines": [[0, "info", "x"]]}
    for _ in range(3):
        tasks.record_report(body, sign_report(alpha.secret, body))
    assert job.lines.count() == 1
    event = Event.objects.get(host=alpha)
    assert event.level == "standard"
    assert f"Report 2 of job {job.pk} came again and was ignored" in page(administrator, alpha)


def test_reordered_reports_are_taken_in_the_order_of_their_numbers(alpha, job):
    assert report(job, alpha, seq=4).state == "claimed"
    report(job, alpha, seq=3, kind="log", lines=[[0, "info", "second"]])
    assert report(job, alpha, seq=2, kind="log", lines=[[0, "info", "first"]]).state == "succeeded"
    assert list(job.lines.values_list("text", flat=True)) == ["first", "second"]


def test_a_host_says_which_job_it_refused(administrator, alpha, beta):
    body = {"host": "alpha", "at": time.time(), "kind": "refused", "text": "A job was refused and not run: <forged>."}
    tasks.record_report(body, sign_report(beta.secret, body))
    assert "&lt;forged&gt;" not in page(administrator, alpha)
    tasks.record_report(body, sign_report(alpha.secret, body))
    assert "alpha: A job was refused and not run: &lt;forged&gt;." in page(administrator, alpha)


def test_a_word_of_a_refused_job_is_not_good_for_ever(administrator, alpha):
    body = {"host": "alpha", "at": time.time() - 3700, "kind": "refused", "text": "A job was refused and not run."}
    tasks.record_report(body, sign_report(alpha.secret, body))
    assert "was not signed within the last hour" in page(administrator, alpha)
    assert "alpha: A job was refused" not in page(administrator, alpha)


# --- downloads


@pytest.fixture
def package(settings, tmp_path):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path
    (tmp_path / "stored").write_bytes(b"content")
    return factories.make_package(path="stored", size=7, sha256="0" * 64)


def install(package, host):
    return factories.make_job(factories.make_application(host=host), kind="install",
                              arguments={"package": {"id": package.pk}})


def test_a_host_fetches_no_package_that_it_is_not_to_install(administrator, client, package, alpha, beta):
    install(package, alpha)
    path = reverse("host-package-file", args=[package.pk])
    assert client.get(path, headers=signed(alpha, path)).status_code == 200
    answer = client.get(path, headers=signed(beta, path))
    assert (answer.status_code, answer.text) == (
        403, f"Host beta has no job to install Installation Package {package.pk}.\n")
    assert f"Host beta asked for Installation Package {package.pk}" in page(administrator, beta)


@pytest.mark.parametrize("how", ["forged", "foreign", "replayed later", "of another package"])
def test_a_request_for_a_package_that_is_not_genuine_is_refused_and_recorded(administrator, client, package, alpha,
                                                                             beta, how):
    install(package, alpha)
    path = reverse("host-package-file", args=[package.pk])
    headers = {"forged": signed(alpha, path, secret="guess"), "foreign": signed(alpha, path, secret=beta.secret),
               "replayed later": signed(alpha, path, at=int(time.time()) - 301),
               "of another package": signed(alpha, reverse("host-package-file", args=[package.pk + 1]))}[how]
    assert client.get(path, headers=headers).status_code == 403
    assert f"A request for {path} from 127.0.0.1 was refused" in page(administrator, alpha)


def test_a_secret_of_an_application_elsewhere_is_refused_and_recorded(administrator, client, alpha, beta):
    application = factories.make_application(host=beta)
    path = reverse("host-application-secret", args=[application.pk])
    answer = client.get(path, headers=signed(alpha, path))
    assert answer.status_code == 403
    assert application.secret not in answer.text
    assert f"Host alpha asked for the secret of application {application.pk}" in page(administrator, alpha)


# --- tokens


def test_a_token_that_was_used_or_expired_is_on_the_hosts_page(administrator, client, alpha):
    row = enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=alpha.pk)
    assert exchange(client, row).status_code == 200
    assert exchange(client, row).status_code == 403
    assert "A join for host alpha was refused, asked from 127.0.0.1: The token was used already" in page(
        administrator, alpha)
    late = enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=alpha.pk)
    HostEnrolment.objects.filter(pk=late.pk).update(expires_at=late.created_at)
    assert exchange(client, late).status_code == 403
    assert "The token expired" in page(administrator, alpha)


def test_a_token_of_one_host_gives_nothing_of_another(client, alpha, beta):
    row = enrolment.make_token(actor=factories.ADMINISTRATOR, host_id=alpha.pk)
    given = exchange(client, row).json()
    assert given["host"] == "alpha"
    assert given["secret"] != beta.secret
    beta.refresh_from_db()
    assert beta.secret_revision == 1


# --- bounds


def test_whoever_keeps_trying_fills_no_table(alpha):
    assert refusals.record(host=alpha, kind="request", text="Refused.")
    assert not any(refusals.record(host=alpha, kind="request", text="Refused.") for _ in range(50))
    assert Event.objects.count() == 1
    assert refusals.record(host=alpha, kind="report", text="Refused.")


def test_the_next_one_counts_what_was_left_out():
    bound = refusals.Bound()
    assert [bound.take(("a",), now=now) for now in (0.0, 1.0, 59.0, 60.0, 61.0)] == [0, None, None, 2, None]
    assert bound.take(("b",), now=0.0) == 0
