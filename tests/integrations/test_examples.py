"""What the pages show can be taken over as it stands: files are read by whoever they are for, scripts run, and what
they ask of the console is what the API has."""

import configparser
import json
import re
import subprocess
from functools import cache

import pytest
import yaml

from api.jobs import WAIT_MOST_S
from console.bounds import FORM_BYTES
from docs import openapi
from provisioning.catalog.services.packages import MAX_BYTES
from provisioning.fleet.services import apply
from provisioning.fleet.services.manifest import read_manifest
from provisioning.shipping.rules import lines
from provisioning.web.stream import KEEPALIVE_S
from tests.certificates import Certificates
from tests.factories import ADMINISTRATOR
from tests.provisioning.notifications.receivers import WebReceiver, answering
from tests.provisioning.shipping.test_lines import ENTRY
from tests.sources import ROOT
from tests.test_settings_documented import settings_read

from .guides import DOCS, GUIDES, examples, program

TOKEN = "pw_12345678_" + "s" * 40
CONSOLE = "https://console.example.com:8443"
PAGES = sorted(f"integrations/{path.name}" for path in GUIDES.glob("*.md") if path.name != "README.md")
SETTINGS = re.compile(r"^(PAIRWISE_\w+)=", re.MULTILINE)
OF_APPLY = {"audit_targets", "channels", "notification_rules"}


@cache
def described() -> dict:
    return openapi.described()


def operation(path: str) -> dict:
    """What the API has at this address, {method: operation}."""
    path = path.partition("?")[0]
    return next(item for known, item in described()["paths"].items()
                if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", known), path))


def test_the_list_of_pages_names_each_of_them():
    listed = re.findall(r"\]\(([\w-]+\.md)\)", (GUIDES / "README.md").read_text())
    assert sorted(f"integrations/{name}" for name in listed) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_yaml_can_be_read(page):
    for text in examples(page, "yaml"):
        for document in yaml.safe_load_all(text):
            assert document, text


@pytest.mark.parametrize(("page", "made"), [
    ("integrations/rsyslog.md", ["central syslog"]), ("integrations/servicenow.md", ["Incidents", "ServiceNow"]),
    ("integrations/splunk.md", ["Splunk"])])
@pytest.mark.django_db
def test_what_is_for_apply_can_be_applied(page, made, tmp_path):
    certificates = Certificates(tmp_path)
    certificate, key = (path.read_text() for path in certificates.issue("console"))
    pem = {"ca": certificates.authority.read_text(), "certificate": certificate, "key": key}
    [body] = [found for found in map(yaml.safe_load, examples(page, "yaml")) if OF_APPLY & set(found)]
    for target in body.get("audit_targets", ()):
        target |= {name: pem[name] for name in pem if name in target}
    planned = apply.plan(actor=ADMINISTRATOR, manifest=read_manifest(yaml.safe_dump(body).encode()), directory=None)
    assert sorted(entry.name for entry in planned.entries) == made


# --- nginx and HAProxy


def test_proxies_wait_longer_than_the_api_and_streams_and_let_the_largest_package_through():
    [nginx], [haproxy] = (examples(f"integrations/{name}.md", name) for name in ("nginx", "haproxy"))
    waits = re.findall(r"(?:proxy_read_timeout|timeout (?:client|server)) (\d+)s", nginx + haproxy)
    assert len(waits) == 3
    assert min(map(int, waits)) > max(WAIT_MOST_S, KEEPALIVE_S)
    [most] = re.findall(r"client_max_body_size (\d+)m;", nginx)
    assert int(most) * 1024**2 >= MAX_BYTES + FORM_BYTES


# --- Prometheus and Grafana


@pytest.mark.skipif(not program("promtool"), reason="there is no promtool")
def test_promtool_takes_both_configurations(tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    found = [text for text in examples("integrations/prometheus-grafana.md", "yaml") if "scrape_configs" in text]
    assert len(found) == 2
    for text in found:
        for said, here in (("/etc/prometheus/pairwise-rules.yml", ROOT / "deploy/prometheus/rules.yml"),
                           ("/etc/prometheus/pairwise.token", tmp_path / "token"),
                           ("/etc/prometheus/pairwise-ca.pem", Certificates(tmp_path / "tls").authority)):
            text = text.replace(said, str(here))
        (tmp_path / "prometheus.yml").write_text(text)
        done = subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True,
                              text=True, timeout=30)
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not program("promtool"), reason="there is no promtool")
def test_an_alert_of_prometheus_leads_to_the_documentation_of_a_console_that_says_where_it_is(tmp_path):
    rules = ROOT / "deploy/prometheus/rules.yml"
    alert = next(each for each in yaml.safe_load(rules.read_text())["groups"][0]["rules"]
                 if each["alert"] == "PairwiseControlDown")
    tests = [{
        "interval": "10s",
        "input_series": [{"series": "pairwise_control_up", "values": "0x9"},
                         {"series": f'pairwise_build_info{{version="1",url="{url}"}}', "values": "1x9"}],
        "alert_rule_test": [{"eval_time": "1m", "alertname": alert["alert"], "exp_alerts": [{
            "exp_labels": alert["labels"], "exp_annotations": {
                **{name: alert["annotations"][name] for name in ("summary", "description")}, "runbook_url": leads}}]}],
    } for url, leads in ((CONSOLE, f"{CONSOLE}/docs/operating.html#when-a-part-is-away-for-a-while"), ("", ""))]
    (tmp_path / "tests.yml").write_text(yaml.safe_dump({"rule_files": [str(rules)], "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", tmp_path / "tests.yml"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_job_of_prometheus_is_the_one_that_the_rules_look_for():
    wanted = set(re.findall(r'job="(\w+)"', (ROOT / "deploy/prometheus/rules.yml").read_text()))
    jobs = {job["job_name"] for text in examples("integrations/prometheus-grafana.md", "yaml")
            for job in yaml.safe_load(text).get("scrape_configs", ())}
    assert wanted == jobs == {"pairwise"}


# --- Rundeck


def scripts_of_rundeck() -> dict[str, str]:
    [text] = examples("integrations/rundeck.md", "yaml")
    return {job["name"]: job["sequence"]["commands"][0]["script"] for job in yaml.safe_load(text)}


def run_step(name: str, receiver: WebReceiver, directory) -> subprocess.CompletedProcess:
    """The script of a job, as Rundeck runs it, against ``receiver``."""
    script = scripts_of_rundeck()[name].replace("https://pairwise.example.com", f"http://127.0.0.1:{receiver.port}")
    path = directory / "step.sh"
    path.write_text(script)
    return subprocess.run(["sh", path], cwd=directory, capture_output=True, text=True, timeout=30, env={
        "PATH": "/usr/bin:/bin", "RD_OPTION_TOKEN": TOKEN, "RD_OPTION_PAIR": "MS_Primary", "RD_OPTION_TO": "MS_Backup",
        "RD_OPTION_REASON": "Maintenance \"of\" alpha.", "RD_JOB_EXECID": "17"})


needs_curl = pytest.mark.skipif(not program("curl"), reason="there is no curl")


@needs_curl
def test_the_job_of_rundeck_switches_over_and_gives_the_token_to_nobody_else(tmp_path):
    with WebReceiver(answering(200, b'{"active": "MS_Backup", "whole": true}')) as receiver:
        done = run_step("Switch over", receiver, tmp_path)
    assert done.returncode == 0, done.stderr
    [(path, headers, body)] = receiver.got
    assert "200" in operation(path)["post"]["responses"]
    assert (headers["Authorization"], headers["Idempotency-Key"]) == (f"Bearer {TOKEN}", "rundeck-17")
    assert (headers["X-Pairwise-Reason"], json.loads(body)) == ('Maintenance "of" alpha.', {"to": "MS_Backup"})
    assert TOKEN not in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["step.sh"]


@needs_curl
@pytest.mark.parametrize(("status", "body", "said"), [
    (202, b'{"whole": false}', "not whole yet"), (409, b'{"detail": "The standby lacks messages."}', "lacks messages")])
def test_the_job_of_rundeck_fails_with_the_sentence_of_the_console(tmp_path, status, body, said):
    with WebReceiver(answering(status, body)) as receiver:
        done = run_step("Switch over", receiver, tmp_path)
    assert done.returncode == 1
    assert said in done.stdout


@needs_curl
@pytest.mark.parametrize(("works", "code"), [(True, 0), (False, 1)])
def test_the_nightly_job_of_rundeck_fails_where_failover_would_not_work(tmp_path, works, code):
    with WebReceiver(answering(200, json.dumps({"works": works}).encode())) as receiver:
        done = run_step("Failover check", receiver, tmp_path)
    assert done.returncode == code
    found = operation(receiver.got[0][0])["post"]["responses"]["200"]
    assert "works" in json.dumps(described()["components"]["schemas"][_name_of(found)])


def _name_of(response: dict) -> str:
    return re.search(r"schemas/(\w+)", json.dumps(response))[1]


# --- Splunk


def stanzas(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None, delimiters=("=",))
    parser.optionxform = str
    parser.read_string(text)
    return parser


def test_the_files_of_splunk_can_be_read_and_name_what_pairwise_sends():
    found = [stanzas(text) for text in examples("integrations/splunk.md", "ini")]
    assert len(found) == 5
    collector = found[0]["http://pairwise"]
    [target] = next(body["audit_targets"] for body in map(yaml.safe_load, examples("integrations/splunk.md", "yaml")))
    assert (target["token"], target["address"].endswith(":8088/services/collector/event")) == (collector["token"], True)
    assert json.loads(lines.event(ENTRY, "console"))["sourcetype"] == collector["sourcetype"]
    shown = {name for parser in found for name in parser.sections()}
    assert {"pairwise:audit", "pairwise:log", "monitor:///var/log/pairwise/audit.json"} <= shown
    watched = found[2]["monitor:///var/lib/pairwise/logs"]["whitelist"]
    assert {name for name in ("web", "control", "console-worker", "log-reader", "redis", "agent")
            if re.search(watched, f"/var/lib/pairwise/logs/{name}.log")} == {
                "web", "control", "console-worker", "log-reader"}


# --- all


def test_every_setting_of_a_page_is_a_setting():
    named = {name.removesuffix("_FILE") for page in PAGES for name in SETTINGS.findall((DOCS / page).read_text())}
    assert named
    assert named - settings_read() == set()
