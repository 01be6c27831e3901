"""A host, a machine that joins or an agent may say anything: every page that shows it is shown, and is not large."""

import json
import time
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from control import checks
from protocol.jobs import sign_report
from protocol.wire import WireError
from provisioning.hosts.services.enrolment import make_token
from provisioning.jobs.kinds import FIND_START_FILES
from provisioning.jobs.selectors import start_files
from provisioning.jobs.worker.reports import record_report
from provisioning.looks import worker as looks
from provisioning.models import FoundOnHost, HostRuntime, Job, JobReport
from provisioning.states import FINISHED_JOBS, JobKind, JobState, Role
from tests import factories
from tests.provisioning.addresses import ADDRESSES, MACHINE

pytestmark = pytest.mark.django_db
PAGE_BYTES_MAX = 1024 * 1024
SHOWN = ("pair-detail", "pair-list", "host-detail", "host-list", "job-list", "application-start-files", "audit-pair")
"""Pages that show what hosts and agents say."""
SAID = {
    "half a character and NUL": "x\ud800\0\udcff", "no number": float("nan"), "infinite": float("inf"),
    "huge": 10**400, "huge and negative": -10**400, "large": 1e308, "list": ["\ud800", [10**400]],
    "mapping": {"\udcff": {"files": 5}, "name": "\0"}, "long": "y" * 100_000, "many": ["z"] * 12_000}
KINDS = sorted(set(JobKind) - {JobKind.COLLECT_FACTS})
KEYS = ("working_directory", "command_line", "command_line_arguments", "version", "backup", "facts", "mode", "pid",
        "exit_code", "written", "certificate", "certificate_key", "trusted_ca", "found")
OF_A_FILE = [*start_files._PLAIN, "modified_at", "differs", "parameters"]
INSTALLED = {"working_directory": "/srv/pairwise/MS", "command_line": "./MessageServer", "version": "8.5.100.02",
             "command_line_arguments": "-host 127.0.0.1 -port 2020 -app MS_Primary"}


# What hurt once is tried each time.
each_said = pytest.mark.parametrize("said", [
    pytest.param(said, id=name, marks=() if name in ("half a character and NUL", "huge") else pytest.mark.long)
    for name, said in SAID.items()])


def shows_everything(world, *more: str) -> None:
    """Each page is there for who may see it, in a size that a browser takes; ``more`` shows all to administrators."""
    addresses = [address for name, requests in ADDRESSES.items() if name in SHOWN for request in requests
                 if request.method == "GET" and request.need != MACHINE for address in world.addresses(name, request)]
    for who in (Role.ADMINISTRATOR, Role.OPERATOR):
        for address in (*addresses, *(more if who == Role.ADMINISTRATOR else ())):
            answer = world.ask(str(who), "GET", address)
            assert answer.status_code < 500, address
            if not answer.streaming:
                assert len(answer.content) < PAGE_BYTES_MAX, address


def about_start_files(said) -> dict:
    """What a host says of start files, ``said`` in each place."""
    of_a_file = dict.fromkeys(OF_A_FILE, said)
    parameters = [said, *({"name": said, "expected": said, "found": said, "state": state} for state in ("x", said))]
    files = [said, {"name": said}, {**of_a_file, "name": "run.sh"}, *(
        {**of_a_file, "name": name, "parameters": parameters, "differs": [said]} for name in ("startServer.bat",))]
    return {**dict.fromkeys(("application", "directory", "checked_at", "equal", "starts"), said),
            "configuration_server": {"host": said, "port": said}, "files": files}


def results(said):
    yield dict.fromkeys((*KEYS, "start_files"), said)
    yield {**dict.fromkeys(KEYS, said), "start_files": {"files": said}}
    yield {**dict.fromkeys(KEYS, said), "start_files": about_start_files(said)} | INSTALLED


def reported(job: Job, seq: int, kind: str, **fields) -> Job:
    # As it comes from the wire.
    report = json.loads(json.dumps({"job": str(job.pk), "host": job.host_name, "seq": seq, "at": time.time(),
                                    "kind": kind, **fields}))
    record_report(report, sign_report(job.host.secret, report))
    return Job.objects.get(pk=job.pk)


def ended(job: Job, said, **final) -> Job:
    """``job`` after reports of each kind that say ``said`` wherever a report says anything."""
    item = {"number": said, "state": said, "at": said, "worker": said, "lines": [[said, said, said], said, [said]]}
    for seq, kind in enumerate(("claimed", "step", "log", "alive", "unknown"), 1):
        reported(job, seq, kind, **item)
    reported(job, 6, "several", items=[said, *({"kind": kind, **item} for kind in ("claimed", "step", "log", said))])
    reported(job, 7, "step", number=0, state="running", at=said)
    return reported(job, 8, "finished", **final, at=said, reason=said, advice=said, reference=said)


@pytest.mark.dear
@each_said
def test_every_page_is_shown_whatever_a_host_says_of_a_job(world, said, monkeypatch):
    # Of reports that are too large for the middle of a job the sentence is tested with the others.
    monkeypatch.setattr("provisioning.jobs.worker.reports.SAID_MEANWHILE_BYTES_MAX", 2**30)
    jobs = []
    for kind in KINDS:
        for result in results(said) if kind in FIND_START_FILES else [dict.fromkeys(KEYS, said)]:
            job = factories.make_job(world.primary, kind=kind)
            jobs.append(ended(job, said, state="succeeded", result=result))
        jobs.append(ended(factories.make_job(world.primary, kind=kind), said, state=said, result=said))
    assert {job.state for job in jobs} <= FINISHED_JOBS
    assert Job.objects.filter(kind=JobKind.CHECK_START_FILES, state=JobState.SUCCEEDED, result__has_key="start_files")
    shows_everything(world, *(reverse("job-detail", args=[job.pk]) for job in jobs))


@each_said
def test_every_page_is_shown_whatever_a_look_found(world, said):
    facts = dict.fromkeys(looks._PER_APPLICATION, said)
    of_file = {"present": True, "path": said, "owner": said, "usable": said, "problem": said}
    shaped = {**facts, "directory": of_file, "program": {**of_file, "present": False}, "listeners": {"7001": said},
              "process": {"pid": 4711, "account": said, "arguments": [said]}, "start_files": about_start_files(said)}
    for entry in (facts, shaped):
        job = looks.look_at(world.primary.host)
        found = {"applications": [said, {"name": said}, {**entry, "name": "MS_Primary"}], "names": said,
                 "reverse": said, "clock_synchronized": said}
        job = ended(job, said, state="succeeded", result={"found": found})
        assert job.state == JobState.SUCCEEDED
        assert FoundOnHost.objects.filter(application=world.primary, host=job.host).exists()
    shows_everything(world)


@each_said
def test_a_report_that_waits_for_another_is_kept_whatever_it_says(world, said):
    job = factories.make_job(world.primary, kind=JobKind.CHECK_START_FILES)
    reported(job, 2, "finished", state="succeeded", reason=said, result={"start_files": about_start_files(said)})
    kept = JobReport.objects.get(job=job).body
    assert "\\ud8" not in json.dumps(kept, allow_nan=False)
    assert reported(job, 1, "claimed", worker=said).state == JobState.SUCCEEDED


@each_said
def test_every_page_is_shown_whatever_a_machine_says_when_it_joins_and_leaves(world, client, said):
    host = factories.make_host(status=None)
    token = make_token(actor=factories.ADMINISTRATOR, host_id=host.pk).token
    for name, body in (("join-stage", {"stage": "start", "state": "done", "text": said}),
                       ("join-stage", {"stage": said, "state": said, "text": said}), ("join-leave", {"x": said}),
                       ("join-exchange", {"python": said, "system": said, "install_root": said}),
                       ("join-exchange", said), ("join-stage", said)):
        answer = client.post(reverse(name), json.dumps(body), content_type="application/json",
                             headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code < 500, name
        world.objects["host"] = host.pk
        for page in ("host-detail", "host-ladder"):
            assert world.ask(str(Role.ADMINISTRATOR), "GET", reverse(page, args=[host.pk])).status_code == 200


def test_a_machine_that_sends_what_is_too_deep_within_itself_is_refused_with_a_sentence(world, client):
    answer = client.post(reverse("join-stage"), "[" * 8000, content_type="application/json")
    assert (answer.status_code, "no JSON object" in answer.text) == (403, True)


FACTS = ("cpu_percent", "memory_percent", "disk_free_bytes", "time", "clock_offset_s", "agent_version", "agent_build",
         "account", "accounts", "resolved", "comes_back_by", "looks", "reports", "worker", "service_account")


def facts_that(said):
    """Facts of a host with ``said`` in each place, and in all."""
    yield dict.fromkeys(FACTS, said)
    yield {"accounts": {"pw": said}, "resolved": {"console": said, "other": [said]}}
    yield from ({name: said} for name in FACTS)


@each_said
def test_every_page_of_a_host_is_shown_whatever_its_agent_says(world, said):
    host = world.primary.host
    for told in facts_that(said):
        try:
            facts = checks.with_clock_offset(checks.facts_of(json.loads(json.dumps(told))), datetime.now(UTC))
        except WireError:
            continue
        HostRuntime.objects.update_or_create(host=host, defaults={"facts": facts, "status": "Running"})
        for name in ("host-detail", "host-ladder", "host-list"):
            address = reverse(name, args=[] if name == "host-list" else [host.pk])
            assert world.ask(str(Role.ADMINISTRATOR), "GET", address).status_code == 200


@pytest.mark.dear
@pytest.mark.parametrize("said", ["x", 10**19, 1e308, True, ["x"], {"x": [1]}, None], ids=str)
def test_facts_that_an_earlier_release_took_in_hurt_no_page(world, said):
    for facts in facts_that(said):
        HostRuntime.objects.update_or_create(host=world.primary.host, defaults={"facts": facts, "status": "Running"})
        for name in ("host-detail", "host-ladder"):
            address = reverse(name, args=[world.primary.host_id])
            assert world.ask(str(Role.ADMINISTRATOR), "GET", address).status_code == 200
