"""That certificates expire is seen before it hurts: on pages, in status, checks, events and before a failover."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse

from console import checks
from protocol.tls import expires_at
from provisioning.certificates.rules import certificate, certificates_of_ports, most_urgent
from provisioning.certificates.selectors import console_certificate, plain_listeners
from provisioning.models import RuntimeStatus
from tests.certificates import Certificates
from tests.factories import make_application, make_host

NOW = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
DAY = 86_400


@pytest.mark.parametrize(("days", "urgency", "said"), [
    (31, "", "expires in 31 days, on 2026-12-25 00:00 UTC"),
    (30, "soon", "expires in 30 days"),
    (7.5, "soon", "expires in 7 days"),
    (7, "urgent", "expires in 7 days"),
    (0.5, "urgent", "expires in less than a day"),
    (0, "expired", "expired less than a day ago"),
    (-2, "expired", "expired 2 days ago, on 2026-11-22 00:00 UTC"),
])
def test_a_warning_from_30_days_before_and_an_error_from_7(days, urgency, said):
    found = certificate("Port default", NOW + days * DAY, NOW)
    assert (found.urgency, said in found.sentence) == (urgency, True), found


def test_of_several_the_one_that_ends_first_is_looked_at_first():
    ports = [{"id": "a", "not_after": NOW + 20 * DAY}, {"id": "b", "not_after": NOW - DAY}, {"id": "plain"},
             {"id": "c", "not_after": None}, "rubbish"]
    found = certificates_of_ports(ports, NOW)
    assert [each.label for each in found] == ["Port a", "Port b", "Port c"]
    assert most_urgent(found).label == "Port b"
    assert most_urgent(found[2:]) is None


@pytest.fixture
def secured_server(db):
    """An application whose server reported a certificate that expires in five days and some hours."""
    row = make_application(name="MS_Secured", host=make_host("secured-host"))
    at = (datetime.now(UTC) + timedelta(days=5, hours=3)).timestamp()
    RuntimeStatus.objects.update_or_create(application=row, defaults={
        "status": "Started", "ports": [{"id": "default", "port": 7001, "listening": True, "not_after": at}]})
    return row


def test_status_tells_when_certificates_expire(secured_server, capsys):
    call_command("status", "--json")
    found = json.loads(capsys.readouterr().out)
    facts = next(each for each in found["applications"] if each["name"] == "MS_Secured")["certificates"]
    assert [(each["port"], each["urgency"]) for each in facts] == [("default", "urgent")]
    assert found["certificate"] is None


@pytest.fixture
def secured_console(settings, tmp_path):
    """``secured_console(days)``: a console whose certificate expires then."""
    certificates = Certificates(tmp_path / "tls")

    def make(days: float) -> str:
        files = certificates.issue("localhost", days=days)
        settings.PAIRWISE_CONTROL_TLS, settings.TLS_IS_OWN = True, False
        settings.PAIRWISE_TLS_CERTIFICATE, settings.PAIRWISE_TLS_KEY = map(str, files)
        settings.PAIRWISE_TLS_CA = str(certificates.authority)
        return str(files[0])

    return make


@pytest.mark.parametrize(("days", "ids"), [(100, []), (20, ["pairwise.W004"]), (5, ["pairwise.E011"]),
                                           (-1, ["pairwise.E011"])])
def test_check_tells_when_the_console_s_certificate_expires(secured_console, days, ids):
    secured_console(days)
    assert [each.id for each in checks.certificates()] == ids


def test_the_certificate_of_the_console_is_the_one_that_is_named(secured_console):
    path = secured_console(20)
    assert console_certificate().not_after == expires_at(path)
    assert console_certificate().urgency == "soon"


def test_files_that_do_not_fit_are_an_error(secured_console, settings, tmp_path):
    secured_console(100)
    settings.PAIRWISE_TLS_CA = ""
    assert [each.id for each in checks.certificates()] == ["pairwise.E009"]
    settings.PAIRWISE_TLS_CA = str(tmp_path / "missing.pem")
    assert [each.id for each in checks.certificates()] == ["pairwise.E010"]


def test_plain_control_that_others_reach_is_said(settings):
    settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_TLS = "192.0.2.1", False
    assert [each.id for each in checks.control_in_the_plain()] == ["pairwise.W003"]
    settings.PAIRWISE_CONTROL_TLS = True
    assert checks.control_in_the_plain() == []


def test_pages_show_it(secured_server, secured_console, client, django_user_model):
    secured_console(5)
    user = django_user_model.objects.create_superuser("admin", password="x")
    client.force_login(user)
    for name, arguments in (("application-list", ()), ("application-edit", (secured_server.pk,)),
                            ("host-detail", (secured_server.host_id,))):
        assert "Port default: its certificate expires in 5 days" in client.get(reverse(name, args=arguments)).content \
            .decode(), name
    dashboard = client.get(reverse("monitoring")).content.decode()
    assert "Web and control: its certificate expires in 4 days" in dashboard
    assert "do not trust an expired one" in dashboard


def test_the_dashboard_says_what_speaks_plain_because_somebody_chose_it(db, settings, client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("admin", password="x"))
    address = reverse("monitoring")
    assert "without TLS" not in client.get(address).content.decode()
    settings.PAIRWISE_HOST = settings.PAIRWISE_CONTROL_HOST = "192.0.2.1"
    page = client.get(address).content.decode()
    assert "Web without TLS" in page
    assert "Control without TLS" in page
    settings.SESSION_COOKIE_SECURE = settings.PAIRWISE_CONTROL_TLS = True
    assert "without TLS" not in client.get(address).content.decode()


@pytest.mark.parametrize(("url", "embedded", "plain"), [
    ("redis://:p@192.0.2.7:6379/0", "", True), ("rediss://:p@192.0.2.7:6379/0", "", False),
    ("redis://:p@127.0.0.1:6379/0", "", False), ("redis:///0", "", False),
    ("unix:///var/redis.sock", "password for other hosts", True), ("unix:///var/redis.sock", "", False)])
def test_a_broker_that_other_machines_reach_without_tls_is_named_as_well(settings, url, embedded, plain):
    settings.PAIRWISE_REDIS_URL, settings.EMBEDDED_REDIS_PASSWORD = url, embedded
    assert ("Broker" in dict(plain_listeners())) is plain
