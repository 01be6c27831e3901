"""Make certificates: who may, for what, who gets the key, and what the ports say afterwards."""

import uuid

import pytest
from cryptography import x509
from django.urls import reverse
from django.utils import timezone

from protocol import auth
from protocol.tls import Identity
from provisioning.certificates.services import issue_certificate
from provisioning.certificates.worker import fault, with_files
from provisioning.errors import NotAllowed, Refused
from provisioning.jobs.worker.outcome import finish
from provisioning.models import Application, HistoryEntry, Job
from provisioning.states import JobKind, JobState
from provisioning.verbs.services.jobs import make_certificates
from tests.factories import ADMINISTRATOR, OPERATOR, make_application, make_host

RESULT = {"certificate": "/opt/ms/tls/port.pem", "certificate_key": "/opt/ms/tls/port.key",
          "trusted_ca": "/opt/ms/tls/ca.pem", "not_after": 1.0}


@pytest.fixture
def server(db, broker, settings, tmp_path):
    settings.PAIRWISE_TLS_DIR = tmp_path / "tls"
    row = make_application("MS", host=make_host("alpha", ip_address="192.0.2.7"), installed=True,
                           ports={"default": 7001, "sync": 7002})
    row.ports.filter(port_id="sync").update(listening_mode="secured", transport_parameters="tls=1;address=192.0.2.8")
    Application.objects.filter(pk=row.pk).update(working_directory="/opt/ms")
    return Application.objects.get(pk=row.pk)


def test_only_who_installs_may_and_only_for_a_secured_port(server):
    with pytest.raises(NotAllowed):
        make_certificates(actor=OPERATOR, application_id=server.pk)
    server.ports.update(listening_mode="unsecured", transport_parameters="")
    with pytest.raises(Refused, match="No port of MS is secured"):
        make_certificates(actor=ADMINISTRATOR, application_id=server.pk)


def test_a_key_does_not_travel_in_the_plain(server, settings):
    settings.PAIRWISE_HOST, settings.PAIRWISE_WEB_TLS, settings.PAIRWISE_CONSOLE_URL = "192.0.2.1", False, ""
    with pytest.raises(Refused, match="private key would go over the network in the plain"):
        make_certificates(actor=ADMINISTRATOR, application_id=server.pk)
    settings.PAIRWISE_WEB_TLS = True
    assert make_certificates(actor=ADMINISTRATOR, application_id=server.pk).kind == JobKind.MAKE_CERTIFICATES


def test_the_host_with_the_job_gets_a_certificate_for_its_names(server, tmp_path):
    job = make_certificates(actor=ADMINISTRATOR, application_id=server.pk)
    assert "key" not in str(job.arguments).replace("certificate_key", "")
    made = issue_certificate(host=server.host, application_id=server.pk)
    path = tmp_path / "both.pem"
    path.write_text(made["certificate_key"] + made["certificate"])
    Identity(path)
    named = x509.load_pem_x509_certificate(made["certificate"].encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value
    assert {"alpha", "192.0.2.7", "192.0.2.8"} <= {str(each.value) for each in named}


def ask(client, host, path):
    return client.get(path, headers=auth.request_headers(host.secret, host=host.name, method="GET", path=path,
                                                         at=timezone.now().timestamp()))


def test_nobody_else_gets_one(server, client):
    path, other = reverse("host-application-certificate", args=[server.pk]), make_host("beta")
    assert ask(client, server.host, path).status_code == 403
    job = make_certificates(actor=ADMINISTRATOR, application_id=server.pk)
    assert ask(client, other, path).status_code == 403
    assert client.get(path).status_code == 403
    assert "PRIVATE KEY" in ask(client, server.host, path).json()["certificate_key"]
    Job.objects.filter(pk=job.pk).update(state=JobState.SUCCEEDED)
    assert ask(client, server.host, path).status_code == 403


def finished(server, **changes) -> Job:
    job = make_certificates(actor=ADMINISTRATOR, application_id=server.pk)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    job.refresh_from_db()
    finish(job, JobState.SUCCEEDED, at=timezone.now(), result={**RESULT, **changes}, fields={})
    job.refresh_from_db()
    return job


def test_the_secured_ports_name_the_files_afterwards(server):
    finished(server)
    ports = {port.port_id: port.transport_parameters for port in server.ports.all()}
    assert ports == {"default": "", "sync": "tls=1;address=192.0.2.8;certificate=/opt/ms/tls/port.pem;"
                                            "certificate-key=/opt/ms/tls/port.key;trusted-ca=/opt/ms/tls/ca.pem"}
    assert Application.objects.get(pk=server.pk).revision == server.revision + 1
    assert HistoryEntry.objects.filter(reason__startswith="Certificates were made by job").count() == 1
    finished(server)
    assert HistoryEntry.objects.filter(reason__startswith="Certificates were made by job").count() == 1


@pytest.mark.parametrize("changes", [
    {"certificate": "/etc/ssl/other.pem"}, {"certificate_key": "/opt/other/tls/port.key"},
    {"trusted_ca": "/opt/ms/tls/../ca.pem"}])
def test_a_host_names_no_files_but_those_that_it_was_to_write(server, changes):
    assert finished(server, **changes).state == JobState.ERROR
    assert "certificate" not in server.ports.get(port_id="sync").transport_parameters


@pytest.mark.parametrize("path", ["relative.pem", "/a;tls-mutual=0", "/a\nb", "", None, "/" + "x" * 400])
def test_a_host_does_not_write_what_it_wants_into_parameters(server, path):
    assert fault(Job(arguments={}), {**RESULT, "certificate": path})
    assert finished(server, certificate=path).state == JobState.ERROR
    assert "certificate" not in server.ports.get(port_id="sync").transport_parameters


def test_parameters_keep_everything_else():
    assert with_files("tls=1;certificate=/old;tls-mutual=1", RESULT) == (
        "tls=1;certificate=/opt/ms/tls/port.pem;tls-mutual=1;certificate-key=/opt/ms/tls/port.key;"
        "trusted-ca=/opt/ms/tls/ca.pem")


def test_the_button_of_the_pair_page_starts_the_job(server, client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser(f"u{uuid.uuid4().hex[:6]}", password="x"))
    page = client.get(reverse("pair-detail", args=[server.pk])).content.decode()
    assert "Make certificates" in page
    answer = client.post(reverse("application-certificates", args=[server.pk]), follow=True)
    assert "A certificate for MS is being made and written on" in answer.content.decode()
    assert Job.objects.get().kind == JobKind.MAKE_CERTIFICATES
