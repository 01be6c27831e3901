"""Metrics: what Prometheus is told, who may ask, and what it costs."""

import json
import re
from datetime import timedelta

import pytest
import yaml
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain

from provisioning.accounts.rules.tokens import TRIES, Draft
from provisioning.accounts.services.service_accounts import make_service_token
from provisioning.metrics import facts, rules, selectors, views
from provisioning.metrics.discovery import targets
from provisioning.metrics.networks import may_ask, networks
from provisioning.metrics.text import COUNTER
from provisioning.models import (
    Application,
    AuditRun,
    ComponentHeartbeat,
    CopyTerm,
    Delivery,
    Drill,
    Finding,
    HistoryHead,
    PairAudit,
    PairState,
    RuntimeStatus,
    SignInCount,
    Waiver,
)
from provisioning.states import DeliveryState, DrillState, JobKind, JobState, Severity, SignInResult, Verdict
from tests import factories
from tests.sources import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def anew(settings):
    settings.PAIRWISE_METRICS = ["loopback"]
    views._kept.clear()


def samples(text, parser=plain):
    """{(name, labels in order of their names): value}."""
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in parser(text) for sample in family.samples}


@pytest.fixture
def told(client):
    def ask(**headers):
        views._kept.clear()
        answer = client.get("/metrics", headers=headers)
        assert answer.status_code == 200, answer.content
        return answer.content.decode()
    return ask


@pytest.fixture
def running(pair):
    """A pair that works: the standby lacks three records."""
    for row, seq in zip(pair, (10, 7), strict=True):
        RuntimeStatus.objects.filter(application=row).update(
            last_seq=seq, common_seq=seq, clients=2, acknowledged=9, delivered=4, latencies=[3, 4, *[0] * 8, 2],
            disk_free=row.id == pair[0].id and 60, disk_total=row.id == pair[0].id and 100)
    PairState.objects.update(epoch=4)
    factories.control_answers()
    return pair


def test_a_pair_is_told_by_name(told, running):
    found = samples(told())
    primary = (("application", "MS_Primary"), ("host", running[0].host.name), ("pair", "MS_Primary"),
               ("type", "MessageServer"))
    assert found["pairwise_application_up", primary] == 1
    assert found["pairwise_application_messages_total", primary] == 10
    assert found["pairwise_pair_active", (("member", "MS_Primary"), ("pair", "MS_Primary"))] == 1
    assert found["pairwise_application_acknowledged_total", primary] == 9
    assert {(dict(labels)["application"], name): value for (name, labels), value in found.items()
            if name.startswith("pairwise_application_disk")} == {
        ("MS_Primary", "pairwise_application_disk_free_bytes"): 60,
        ("MS_Primary", "pairwise_application_disk_size_bytes"): 100}
    by_bound = {dict(labels)["le"]: value for (name, labels), value in found.items()
                if name == "pairwise_application_acknowledge_seconds_bucket" and ("pair", "MS_Primary") in labels
                and ("application", "MS_Primary") in labels}
    assert (by_bound["0.001"], by_bound["0.002"], by_bound["5.0"], by_bound["+Inf"]) == (3, 7, 7, 9)
    of_pair = (("pair", "MS_Primary"),)
    assert [found[f"pairwise_pair_{name}", of_pair] for name in (
        "in_sync", "epoch", "automatic_failover", "disputed", "lag_records")] == [1, 4, 1, 0, 3]


def test_both_formats_are_spoken_and_have_the_same_in_them(told, running):
    assert samples(told()).keys() == samples(told(accept="application/openmetrics-text; version=1.0.0"),
                                             open_metrics).keys()


def test_jobs_are_told_by_how_long_they_took(told, running):
    now = timezone.now()
    for seconds in (0.4, 1.0, 1.5, 45, 7200):
        factories.make_job(running[0], kind=JobKind.START, state=JobState.SUCCEEDED, started_at=now,
                           finished_at=now + timedelta(seconds=seconds))
    found = samples(told())
    assert [found["pairwise_job_seconds_bucket", (("kind", "start"), ("le", bound))] for bound in (
        "1.0", "2.0", "30.0", "60.0", "600.0", "+Inf")] == [2, 3, 3, 4, 4, 5]
    assert found["pairwise_jobs_waiting_for_broker", ()] == 0
    factories.make_job(running[0], kind=JobKind.STOP, state=JobState.QUEUED)
    assert samples(told())["pairwise_jobs_waiting_for_broker", ()] == 1


def test_the_last_drill_of_a_pair_that_passed_is_told(told, running):
    at = timezone.now() - timedelta(days=1)
    for ago, state, figures in ((3, DrillState.PASSED, {"outage_over_ms": 900.0, "outage_back_ms": None}),
                                (1, DrillState.PASSED, {"outage_over_ms": 450.0, "outage_back_ms": 620.0}),
                                (0, DrillState.FAILED, {"outage_over_ms": 5000.0})):
        Drill.objects.create(primary=running[0], primary_name="MS_Primary", backup_name="MS_Backup", asked_by="ada",
                             state=state, figures=figures, finished_at=at - timedelta(days=ago - 1))
    found = samples(told())
    assert found["pairwise_drill_outage_seconds", (("pair", "MS_Primary"),)] == 0.62
    assert found["pairwise_drill_last_passed_timestamp", (("pair", "MS_Primary"),)] == pytest.approx(at.timestamp())


def test_certificates_are_told_by_how_long_they_last(told, running):
    ends = timezone.now().timestamp() + 1000
    RuntimeStatus.objects.filter(application=running[0]).update(ports=[
        {"id": "default", "not_after": ends}, {"id": "plain"}])
    found = samples(told())
    assert found["pairwise_certificate_expiry_seconds", (("what", "MS_Primary: Port default"),)] == pytest.approx(
        1000, abs=60)


def test_sign_ins_and_what_audit_targets_lack_are_told(told, running):
    SignInCount.objects.create(result=SignInResult.REFUSED, count=12)
    HistoryHead.objects.update_or_create(pk=1, defaults={"count": 9})
    factories.make_target("siem", number=4)
    factories.make_target("off", enabled=False)
    found = samples(told())
    assert found["pairwise_sign_ins_total", (("result", "refused"),)] == 12
    assert {dict(labels)["target"]: value for (name, labels), value in found.items()
            if name == "pairwise_audit_shipping_lag_entries"} == {"siem": 5}


def test_findings_waivers_that_end_notifications_and_the_term_are_told(told, running):
    now = timezone.now()
    run = AuditRun.objects.create(asked_by="ada", at=now)
    audit = {is_latest: PairAudit.objects.create(
        primary=running[0], verdict=Verdict.BROKEN, run=run, is_latest=is_latest, at=now, confirmed_at=now)
        for is_latest in (True, False)}
    waivers = [Waiver.objects.create(
        primary=running[0], code="A01", subject=f"port {days}", fact="f", sentence="s", reason="r", waived_by="ada",
        expires_on=(now + timedelta(days=days)).date(), ended_at=ended) for days, ended in (
            (6, None), (8, None), (1, now))]
    for is_latest, code, waiver in ((True, "A01", None), (True, "A01", None), (True, "A02", waivers[0]),
                                    (False, "A03", None)):
        Finding.objects.create(audit=audit[is_latest], code=code, severity=Severity.ERROR, subject="s", fact="f",
                               sentence="s", waiver=waiver, first_found_at=now)
    Delivery.objects.create(message_id="m1", channel_name="noc", told="raised", subject="s", created_at=now)
    CopyTerm.objects.update_or_create(name="control", defaults={"term": 7})
    factories.control_answers(facts={"address": "control-a:2020"})
    found = samples(told())
    assert {labels: value for (name, labels), value in found.items() if name == "pairwise_audit_findings"} == {
        (("rule", "A01"), ("severity", Severity.ERROR)): 2}
    assert found["pairwise_audit_waivers_ending_7d", ()] == 1
    assert found["pairwise_notifications", (("channel", "noc"), ("state", DeliveryState.WAITING))] == 1
    assert found["pairwise_control_term", ()] == 7
    assert found["pairwise_control_leader", (("address", "control-a:2020"),)] == 1


def test_while_control_does_not_answer_nobody_claims_to_know(told, running):
    factories.control_answers(ago_s=3600)
    found = samples(told())
    assert found["pairwise_control_up", ()] == 0
    assert not [name for name, _ in found if name in (
        "pairwise_control_leader", "pairwise_application_up", "pairwise_application_status", "pairwise_host_up")]


def test_parts_that_are_silent_are_down(told):
    now = timezone.now()
    for name, ago in (("console-worker", 0), ("log-reader", 300)):
        ComponentHeartbeat.objects.create(name=name, at=now - timedelta(seconds=ago))
    found = samples(told())
    assert found["pairwise_component_up", (("component", "console-worker"),)] == 1
    assert found["pairwise_component_up", (("component", "log-reader"),)] == 0


def test_it_takes_two_queries_of_the_configuration_database_however_many_there_are(told, running):
    with CaptureQueriesContext(connection) as few:
        selectors.measured()
    for number in range(3):
        factories.make_application(f"More_{number}", status="Started")
    with CaptureQueriesContext(connection) as more:
        selectors.measured()
    assert len(few) == len(more) == 2


def test_of_more_than_so_many_the_others_are_counted(told, running, settings):
    settings.PAIRWISE_METRICS_OBJECTS = 1
    assert samples(told())["pairwise_applications_left_out", ()] == 1


def test_names_may_have_every_sign(told, running):
    primary, _ = running
    Application.objects.filter(pk=primary.pk).update(name='A "b\\c\nd ä')
    for text, parser in ((told(), plain), (told(accept="application/openmetrics-text"), open_metrics)):
        assert 'A "b\\c\nd ä' in {dict(labels).get("pair") for _, labels in samples(text, parser)}


def test_who_asks_often_costs_nothing(client, running, monkeypatch):
    client.get("/metrics")
    monkeypatch.setattr(views, "measured", None)
    assert client.get("/metrics").status_code == 200


def test_without_a_database_there_is_no_answer_rather_than_zeros(client, monkeypatch):
    def away(*_):
        raise DatabaseError("away")

    monkeypatch.setattr("provisioning.metrics.views.measured", away)
    assert client.get("/metrics").status_code == 503


@pytest.mark.parametrize(("said", "status"), [([], 404), (["10.0.0.0/8"], 403), (["127.0.0.1"], 200), (["open"], 200),
                                              (["nonsense"], 403)])
def test_only_who_is_named_may_ask(client, settings, said, status):
    settings.PAIRWISE_METRICS = said
    assert client.get("/metrics").status_code == status


@pytest.mark.parametrize(("address", "said", "may"), [
    ("10.1.2.3", ["10.0.0.0/8"], True), ("::1", ["loopback"], True), ("2001:db8::1", ["open"], True),
    ("10.1.2.3", ["loopback"], False), ("", ["open"], False), ("10.1.2.3", ["10.0.0.0/8", "x"], False),
    ("127.0.0.1", ["token"], False), ("127.0.0.1", ["token", "loopback"], True)])
def test_networks_are_read_as_they_are_written(address, said, may):
    assert may_ask(address, said) == may


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_what_a_proxy_on_this_machine_sends_on_is_not_from_this_machine(client, settings, header):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403
    settings.PAIRWISE_METRICS = ["open"]
    assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 200


def test_with_tokens_whoever_shows_one_for_metrics_may_ask(client, settings):
    settings.PAIRWISE_METRICS = ["token"]

    def asked(text):
        return client.get("/metrics", headers={"Authorization": text})

    def made(name, **fields):
        return make_service_token(actor=factories.ADMINISTRATOR, draft=Draft(name=name, roles=["Support"], **fields))[1]

    assert asked(f"Bearer {made('prometheus', scope='metrics')}").status_code == 200
    other = asked(f"Bearer {made('robot')}")
    assert (other.status_code, other.text) == (
        403, "The token robot is not one for metrics. Make one that is, at Your account > API tokens.")
    for text in ("", "Basic YTpi", "Bearer", "Bearer pw_nonsense"):
        nobody = asked(text)
        assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, "Bearer")
    for _ in range(TRIES):
        last = asked("Bearer pw_nonsense")
    assert last.status_code == 429
    assert 1 <= int(last["Retry-After"]) <= 60


def families():
    found = facts.Measured(timezone.now(), True, (), (), (), (), {})
    return {f"{each.name}_total" if each.kind == COUNTER else each.name for each in rules.families(found, "1", "")}


def test_the_document_has_every_metric_and_no_other():
    rows = [line for line in (ROOT / "docs/metrics.md").read_text().splitlines() if line.startswith("| `pairwise_")]
    assert {name for row in rows for name in re.findall(r"`(pairwise_\w+)`", row)} == families()


def test_alerts_are_about_metrics_and_values_that_there_are():
    text = (ROOT / "deploy/prometheus/rules.yml").read_text()
    alerts = yaml.safe_load(text)["groups"][0]["rules"]
    said = " ".join(each["expr"] for each in alerts)
    assert set(re.findall(r"pairwise_\w+", said)) <= families()
    assert re.findall(r'verdict="(\w+)"', said) == [Verdict.BROKEN]
    assert re.findall(r'state="(\w+)"', said) == [DeliveryState.FAILED]
    assert all({"summary", "description", "runbook_url"} == each["annotations"].keys() for each in alerts)


def test_the_runbook_of_each_alert_is_a_place_in_the_documentation_of_the_console(support):
    alerts = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"][0]["rules"]
    for each in alerts:
        address, _, heading = re.search(r"}}(/docs/.*){{", each["annotations"]["runbook_url"])[1].partition("#")
        page = support.get(address)
        assert page.status_code == 200, address
        assert not heading or f'id="{heading}"' in page.text, f"{address}#{heading}"


def test_the_dashboard_is_about_metrics_that_there_are_and_its_panels_do_not_overlap():
    board = json.loads((ROOT / "deploy/grafana/pairwise.json").read_text())
    said = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    assert {name.removesuffix("_bucket") for name in re.findall(r"pairwise_\w+", said)} <= families()
    squares = [(x, y) for panel in board["panels"] for place in [panel["gridPos"]]
               for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]
    assert len(squares) == len(set(squares))
    assert max(x for x, _ in squares) < 24


@pytest.mark.parametrize(("console", "target", "scheme", "path"), [
    ("https://pairwise.example.com:8000", "pairwise.example.com:8000", "https", "/metrics"),
    ("https://pairwise.example.com/", "pairwise.example.com:443", "https", "/metrics"),
    ("http://[2001:db8::1]/", "[2001:db8::1]:80", "http", "/metrics")])
def test_the_target_is_the_console_with_its_port(console, target, scheme, path):
    assert targets(console) == [{"targets": [target], "labels": {"__scheme__": scheme, "__metrics_path__": path}}]


def test_prometheus_is_told_where_metrics_are_and_nothing_while_they_are_off(support, settings):
    settings.PAIRWISE_CONSOLE_URL = ""
    here = support.get("/api/v1/prometheus/targets").json()
    assert here == [{"targets": ["testserver:80"], "labels": {"__scheme__": "http", "__metrics_path__": "/metrics"}}]
    settings.PAIRWISE_CONSOLE_URL = "https://pairwise.example.com:8000"
    assert support.get("/api/v1/prometheus/targets").json()[0]["targets"] == ["pairwise.example.com:8000"]
    settings.PAIRWISE_METRICS = []
    assert support.get("/api/v1/prometheus/targets").json() == []


def test_what_is_no_network_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        networks(["nonsense"])
