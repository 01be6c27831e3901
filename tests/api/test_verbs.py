"""What is done by the API: jobs on hosts, and verbs of pairs that control carries out."""

import re
import threading
import time
from pathlib import Path

import pytest
from django.utils import timezone

from api import pair_verbs
from protocol.jobs import SIGNATURES
from protocol.messages import PairAnswer
from provisioning.jobs.selectors import waiting
from provisioning.models import Drill, HistoryEntry, HostEnrolment, HostRuntime, Job, JobLine
from provisioning.states import JobKind, JobState
from tests.factories import make_application, make_host, make_job, make_package, make_pair

pytestmark = pytest.mark.django_db


@pytest.fixture
def stopped(db):
    return make_application("MS_1", host=make_host("alpha"), installed=True, status="Stopped")


def test_a_verb_makes_a_job_and_says_where_it_is(operator, stopped):
    answer = operator("POST", "/applications/MS_1/start", {"reason": "After the work."})
    job = Job.objects.get()
    assert (answer.status_code, answer["Location"]) == (202, f"/api/v1/jobs/{job.pk}")
    assert (answer.json()["id"], answer.json()["kind"], answer.json()["active"]) == (str(job.pk), "start", True)
    assert operator.get(f"/jobs/{job.pk}").json() == answer.json()
    assert HistoryEntry.objects.get(object_type="application").reason == "Start MS_1: asked for. After the work."


def test_a_verb_that_cannot_be_done_says_why_as_the_page_does(operator, stopped):
    operator("POST", "/applications/MS_1/start")
    answer = operator("POST", "/applications/MS_1/start")
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    job, refusal = Job.objects.get(), answer.json()["refusals"][0]
    assert refusal["message"].startswith("Another job works on MS_1: Start, queued")
    assert refusal["links"] == [{"kind": "job", "name": "Start MS_1", "url": f"/api/v1/jobs/{job.pk}"}]


@pytest.mark.parametrize(("verb", "status"), [
    ("install", 200), ("start", 200), ("restart", 409), ("stop", 409), ("stop-gracefully", 409),
    ("certificates", 409)])
def test_a_verb_can_be_tried_without_being_done(admin, stopped, verb, status):
    make_package()
    answer = admin("POST", f"/applications/MS_1/{verb}?dry_run=true")
    assert answer.status_code == status, answer.json()
    assert status == 409 or answer.json() == {"dry_run": True, "would_be_done": True}
    assert not Job.objects.exists()


def test_who_may_not_do_it_is_told_so_also_when_it_is_only_tried(support, stopped):
    for query in ("", "?dry_run=true"):
        assert support("POST", f"/applications/MS_1/start{query}").status_code == 403


def test_who_waits_is_answered_at_once_when_the_job_has_ended(operator, stopped, monkeypatch):
    looked = []

    def ends(seconds):
        looked.append(seconds)
        Job.objects.update(state=JobState.SUCCEEDED, finished_at=timezone.now())

    monkeypatch.setattr(waiting.time, "sleep", ends)
    answer = operator("POST", "/applications/MS_1/start?wait=30")
    assert (answer.status_code, answer.json()["state"], len(looked)) == (200, "succeeded", 1)


def test_who_waits_longer_than_was_asked_for_is_told_of_the_job(operator, stopped):
    began = time.monotonic()
    answer = operator("POST", "/applications/MS_1/start?wait=1")
    assert answer.status_code == 202
    assert 0.9 < time.monotonic() - began < 10
    assert operator("POST", "/applications/MS_1/start?wait=61").status_code == 422


@pytest.fixture
def no_place(monkeypatch):
    """As many wait as may; nobody sleeps."""
    monkeypatch.setattr(waiting, "_places", threading.BoundedSemaphore(1))
    waiting._places.acquire()
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits without a place"))


def test_only_so_many_wait_at_once_whatever_they_wait_for(operator, stopped, pair, control, no_place):
    control.answers |= {"switchover": PairAnswer(ok=True, facts={"active": "MS_Backup"}), "probe": PairAnswer(ok=True)}
    assert operator("POST", "/applications/MS_1/start?wait=30").status_code == 202
    assert operator("POST", "/pairs/MS_Primary/switch-over?wait=30").status_code == 202


def test_no_module_of_the_api_waits_by_itself():
    waits = re.compile(r"\bsleep\(|\.wait\(")
    assert [path.name for path in Path(pair_verbs.__file__).parent.glob("*.py") if waits.search(path.read_text())] == []


# --- jobs


def test_jobs_are_listed_newest_first_and_found_by_what_they_are(operator, stopped):
    done = [make_job(stopped, state=JobState.SUCCEEDED), make_job(stopped, kind=JobKind.STOP, state=JobState.FAILED)]
    found = [row["id"] for row in operator.get("/jobs").json()["items"]]
    assert found == [str(done[1].pk), str(done[0].pk)]
    assert [row["kind"] for row in operator.get("/jobs?state=failed").json()["items"]] == ["stop"]
    first = operator.get("/jobs?limit=1").json()
    assert operator.get(f"/jobs?limit=1&cursor={first['next']}").json()["items"][0]["id"] == str(done[0].pk)


def test_the_log_of_a_job_is_read_by_number(operator, stopped):
    job = make_job(stopped)
    JobLine.objects.bulk_create(JobLine(job=job, number=n, at=timezone.now(), text=f"Line {n}") for n in range(1, 4))
    part = operator.get(f"/jobs/{job.pk}/lines?limit=2").json()
    assert ([line["number"] for line in part["items"]], part["next"]) == ([1, 2], "2")
    rest = operator.get(f"/jobs/{job.pk}/lines?after={part['next']}").json()
    assert ([line["text"] for line in rest["items"]], rest["next"]) == (["Line 3"], "3")
    assert operator.get(f"/jobs/{job.pk}/lines?after=3").json()["next"] == "3"
    assert [step["name"] for step in operator.get(f"/jobs/{job.pk}/steps").json()["items"]] == ["Step 0", "Step 1"]


def test_a_job_is_cancelled_and_run_again(operator, stopped):
    job = make_job(stopped, enqueued_at=timezone.now())
    assert operator("POST", f"/jobs/{job.pk}/cancel?dry_run=true").json()["would_be_done"]
    cancelled = operator("POST", f"/jobs/{job.pk}/cancel", {"reason": "Not now."})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert operator("POST", f"/jobs/{job.pk}/cancel").status_code == 409
    again = operator("POST", f"/jobs/{job.pk}/retry")
    assert (again.status_code, again.json()["retry_of"]) == (202, str(job.pk))


def test_a_job_that_is_none_is_a_problem(operator):
    assert operator.get("/jobs/11111111-1111-4111-8111-111111111111").status_code == 404
    assert operator.get("/jobs/one").status_code == 404


# --- hosts


def test_a_host_is_created_changed_and_deleted(admin):
    made = admin("POST", "/hosts", {"name": "alpha", "ip_address": "198.51.100.1"})
    assert (made.status_code, made["Location"], made["ETag"]) == (201, "/api/v1/hosts/alpha", '"r1"')
    assert admin("PATCH", "/hosts/alpha", {"os_version": "12"}).status_code == 428
    changed = admin("PATCH", "/hosts/alpha", {"os_version": "12"}, If_Match='"r1"')
    assert (changed.json()["os_version"], changed["ETag"]) == ("12", '"r2"')
    stale = admin("PATCH", "/hosts/alpha", {"os_version": "13"}, If_Match='"r1"')
    assert (stale.status_code, stale.json()["differences"][0]["theirs"]) == (412, "12")
    read = admin.get("/hosts/alpha")
    assert admin("PUT", "/hosts/alpha", read.json(), If_Match=read["ETag"]).json()["revision"] == 2
    assert admin("DELETE", "/hosts/alpha?dry_run=true").json()["would_be_done"]
    assert admin.get("/hosts/alpha").status_code == 200
    assert admin("DELETE", "/hosts/alpha").status_code == 204
    assert admin.get("/hosts/alpha").status_code == 404


def test_hosts_are_listed_with_what_runs_there(support, stopped):
    row = support.get("/hosts?text=alp").json()["items"][0]
    assert (row["name"], row["status"], row["applications"]) == ("alpha", "Running", 1)


def test_a_line_to_join_is_a_secret_that_is_kept_nowhere(admin):
    make_host("alpha", status=None)
    kept = admin("POST", "/hosts/alpha/join-line", Idempotency_Key="one")
    assert (kept.status_code, kept.json()["refusals"][0]["field"]) == (422, "Idempotency-Key")
    assert admin("POST", "/hosts/alpha/join-line?dry_run=true").json()["would_be_done"]
    assert not HostEnrolment.objects.exists()
    made = admin("POST", "/hosts/alpha/join-line")
    assert (made.status_code, made.json().keys()) == (200, {"line", "expires_at", "problems"})
    assert admin("DELETE", "/hosts/alpha/join-line").status_code == 204


def test_a_look_on_a_host_is_a_job(support):
    pair = make_pair()
    HostRuntime.objects.update(facts={"looks": True, "reports": SIGNATURES})
    assert support("POST", f"/hosts/{pair[0].host.name}/look?dry_run=true").json()["would_be_done"]
    looked = support("POST", f"/hosts/{pair[0].host.name}/look")
    assert (looked.status_code, looked.json()["kind"]) == (202, "collect_facts")


# --- pairs


def test_a_pair_is_named_by_either_member(support, pair):
    by_primary, by_backup = support.get("/pairs/MS_Primary"), support.get("/pairs/MS_Backup")
    assert by_primary.json()["active"] == by_backup.json()["active"] == "MS_Primary"
    assert by_primary.json()["headline"]["level"]
    assert [row["primary"] for row in support.get("/pairs").json()["items"]] == ["MS_Primary"]
    assert support.get("/pairs?paused=true").json()["items"] == []


def test_a_switchover_is_answered_with_what_came_of_it(operator, pair, control):
    control.answers["switchover"] = PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4, "took_ms": 12.0})
    answer = operator("POST", "/pairs/MS_Primary/switch-over", {"to": "MS_Backup", "reason": "A test."})
    assert answer.status_code == 200
    assert answer.json()["facts"] == {"active": "MS_Backup", "epoch": 4, "took_ms": 12.0}
    assert (control.requests[0].target, control.requests[0].reason) == ("MS_Backup", "A test.")
    assert "A test." in HistoryEntry.objects.get(object_type="application").reason


def test_what_control_refuses_is_told_in_its_words(operator, pair, control):
    control.answers["switchover"] = PairAnswer(ok=False, reason="MS_Backup is not in sync.")
    answer = operator("POST", "/pairs/MS_Primary/switch-over")
    assert (answer.status_code, answer.json()["detail"]) == (409, "MS_Backup is not in sync.")


def test_of_what_control_does_not_answer_nobody_knows(operator, pair, no_control):
    answer = operator("POST", "/pairs/MS_Primary/switch-over")
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert "It is not known whether anything was changed." in answer.json()["detail"]


def test_failover_is_paused_with_a_reason_and_resumed(operator, pair, control):
    control.answers |= {"pause": PairAnswer(ok=True), "resume": PairAnswer(ok=True)}
    refused = operator("POST", "/pairs/MS_Primary/pause")
    assert (refused.status_code, refused.json()["refusals"][0]["field"]) == (422, "reason")
    assert operator("POST", "/pairs/MS_Primary/pause", X_Pairwise_Reason="A test.").status_code == 200
    resumed = operator("POST", "/pairs/MS_Primary/resume")
    assert resumed.json()["facts"] == {"already": True}


def test_messages_are_given_up_only_by_the_word_of_the_page(admin, pair, control):
    answer = admin("POST", "/pairs/MS_Primary/promote", {"accept_data_loss": "yes"})
    assert (answer.status_code, answer.json()["refusals"][0]["field"]) == (422, "accept_data_loss")
    assert control.requests == []


def test_verbs_of_a_pair_can_be_tried(admin, pair):
    assert admin("POST", "/pairs/MS_Primary/switch-over?dry_run=true").json()["would_be_done"]
    assert admin("POST", "/pairs/MS_Primary/promote?dry_run=true").status_code == 409
    plan = admin("POST", "/pairs/MS_Primary/synchronize?dry_run=true").json()
    assert (plan["applied"], plan["backup"]) == (False, "MS_Backup")
    assert admin("POST", "/pairs/MS_Primary/drill?dry_run=true").status_code == 200
    assert not Drill.objects.exists()


def test_a_backup_is_made_equal(admin, pair):
    pair[1].description, pair[1].tenants = "x", "Other"
    pair[1].save()
    done = admin("POST", "/pairs/MS_Primary/synchronize", {"reason": "A test."}).json()
    assert done["applied"]
    assert admin("POST", "/pairs/MS_Primary/synchronize").json()["applied"] is False


def test_the_check_of_failover_says_each_condition(support, pair, no_control):
    answer = support("POST", "/pairs/MS_Primary/failover-check")
    assert (answer.status_code, answer.json()["works"]) == (200, False)
    assert "control" in {each["code"] for each in answer.json()["conditions"]}


def test_what_is_no_pair_is_refused(support, stopped):
    assert support.get("/pairs/MS_1").status_code == 409
    assert support.get("/pairs/nothing").status_code == 404
