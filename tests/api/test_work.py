"""Templates, packages, batches, drills and the audit by the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.audit.worker.run import run_audit
from provisioning.models import Application, Drill, DrillSchedule, Finding, InstallationPackage, Job, Waiver
from provisioning.states import AuditTrigger, DrillState
from tests.factories import make_application, make_host, make_package, make_pair, make_template
from tests.provisioning.catalog.test_apd import GOOD
from tests.provisioning.catalog.test_packages import archive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker", "no_control")]


@pytest.fixture(autouse=True)
def packages_dir(settings, tmp_path):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"


def send(program, path, content, kind="application/octet-stream", **headers):
    return program.client.generic("POST", f"/api/v1{path}", content, content_type=kind, headers={
        "Authorization": f"Bearer {program.token}", **{name.replace("_", "-"): text for name, text in headers.items()}})


def test_a_template_is_imported_as_the_file_that_it_is(admin, support):
    for _ in range(2):
        made = send(admin, "/templates?file_name=x.apd", GOOD.encode(), "text/plain")
        assert (made.status_code, made["Location"]) == (201, "/api/v1/templates/Message_Server"), made.json()
    assert made.json()["ports"][0]["id"] == "default"
    assert admin.get("/templates/Message_Server").json() == made.json()
    assert [row["name"] for row in admin.get("/templates").json()["items"]] == ["Message_Server"]
    refused = send(admin, "/templates?file_name=y.apd", b"nothing")
    assert (refused.status_code, refused.json()["refusals"][0]["field"]) == (422, "file")
    assert send(admin, "/templates?file_name=y.apd", b"{}", "application/json").status_code == 415
    assert send(support, "/templates?file_name=x.apd", GOOD.encode()).status_code == 403


def test_a_template_that_something_is_based_on_stays(admin):
    make_application("MS_1")
    refused = admin("DELETE", "/templates/Message_Server")
    assert (refused.status_code, refused.json()["refusals"][0]["links"][0]["url"]) == (
        409, f"/api/v1/applications/{Application.objects.get().pk}")
    make_template("Other")
    assert admin("DELETE", "/templates/Other").status_code == 204


def test_a_package_is_imported_and_is_larger_than_other_bodies_may_be(admin, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    content = archive(("MessageServer", b"#!/bin/sh\n"))
    made = send(admin, "/packages?file_name=a.tar.gz", content, "application/gzip")
    assert (made.status_code, made.json()["complete"], made.json()["version"]) == (201, True, "8.5.100.01"), made.json()
    assert admin.get("/packages/Message Server").json() == made.json()
    assert send(admin, "/packages?file_name=a.tar.gz&dry_run=true", content).status_code == 422
    assert send(admin, "/packages?file_name=a.tar.gz", content, Idempotency_Key="one").status_code == 422
    make_package()
    assert admin.get("/packages/Message Server").status_code == 409
    assert admin("DELETE", f"/packages/{made.json()['id']}").status_code == 204
    assert InstallationPackage.objects.count() == 1


def test_what_is_done_with_many_is_followed_as_a_batch(admin, operator):
    host = make_host("alpha")
    rows = [make_application(f"MS_{n}", host=host, installed=True, status="Stopped") for n in (1, 2)]
    make_application("Elsewhere")
    named = [rows[0].name, str(rows[1].pk), "Elsewhere"]
    tried = operator("POST", "/batches?dry_run=true", {"verb": "start", "applications": named})
    assert (tried.status_code, tried.json()["jobs"], len(tried.json()["refused"])) == (200, [], 1)
    assert not Job.objects.exists()
    asked = operator("POST", "/batches", {"verb": "start", "applications": named})
    assert asked.status_code == 202, asked.json()
    assert (len(asked.json()["jobs"]), [each["application"] for each in asked.json()["refused"]]) == (2, ["Elsewhere"])
    batch = operator.get(asked["Location"].removeprefix("/api/v1")).json()
    assert (batch["name"], batch["ended"], batch["counts"]) == ("Start 2 applications", 0, {"queued": 2})
    assert operator("POST", f"/batches/{batch['id']}/cancel").status_code == 202
    again = operator("POST", f"/batches/{batch['id']}/retry")
    assert (again.status_code, len(again.json()["jobs"])) == (202, 2)
    assert operator("POST", "/batches", {"verb": "install", "applications": ["MS_1"]}).status_code == 403


def test_a_batch_that_can_do_nothing_says_why(admin):
    make_application("MS_1")
    assert admin("POST", "/batches", {"verb": "start", "applications": ["MS_1"]}).status_code == 409
    unknown = admin("POST", "/batches", {"verb": "start", "applications": ["MS_1", "MS_2"]})
    assert (unknown.status_code, unknown.json()["refusals"][0]["field"]) == (422, "applications")
    assert admin.get("/batches/00000000-0000-0000-0000-000000000000").status_code == 404


def test_drills_are_told_from_preflight_to_report(admin):
    primary, backup = make_pair()
    row = Drill.objects.create(primary=primary, primary_name=primary.name, backup_name=backup.name, asked_by="ada",
                               state=DrillState.PASSED, figures={"sent": 5, "acknowledged": 5, "lost": 0})
    [found] = admin.get(f"/drills?pair={backup.name}&state=passed").json()["items"]
    assert (found["id"], found["figures"]["sent"]) == (row.pk, 5)
    assert admin.get(f"/drills/{row.pk}").json()["steps"] == []
    assert admin("POST", f"/drills/{row.pk}/cancel").status_code == 409
    assert admin.get("/drills/99").status_code == 404


def test_a_drill_that_runs_is_cancelled(admin):
    primary, backup = make_pair()
    row = Drill.objects.create(primary=primary, primary_name=primary.name, backup_name=backup.name, asked_by="ada")
    answer = admin("POST", f"/drills/{row.pk}/cancel")
    assert (answer.status_code, answer.json()["cancelled_by"]) == (202, "robot")


def test_drills_start_by_themselves_when_somebody_says_so(admin):
    primary, backup = make_pair()
    nothing = admin.get(f"/drills/schedules/{backup.name}").json()
    assert (nothing["primary"], nothing["enabled"], nothing["mark"]) == (primary.name, False, "none")
    body = {"enabled": True, "every_days": 7, "at": "03:00", "until": "05:00", "mark": nothing["mark"]}
    done = admin("PUT", f"/drills/schedules/{backup.name}", body).json()
    assert (done["enabled"], done["at"], done["set_by"]) == (True, "03:00", "robot")
    assert admin("PUT", f"/drills/schedules/{backup.name}", body | {"every_days": 9}).status_code == 412
    assert admin("PUT", f"/drills/schedules/{backup.name}", body | {"at": "25:00"}).status_code == 422
    assert DrillSchedule.objects.get().every_days == 7


@pytest.fixture
def audited(db):
    primary, backup = make_pair()
    Application.objects.filter(pk=backup.pk).update(auto_restart=False)
    run_audit([primary.pk], trigger=AuditTrigger.DEMAND)
    return primary, backup


def test_a_pair_is_audited_and_its_findings_are_told(support, audited):
    primary, backup = audited
    run = support("POST", "/audit/run", {"pairs": [backup.name], "look": False})
    assert (run.status_code, run.json()["pairs"]) == (200, 1), run.json()
    assert support.get("/audit/runs").json()["items"][0]["id"] == run.json()["id"]
    found = support.get(f"/audit/pairs/{backup.name}").json()
    assert (found["primary"], found["backup"]) == (primary.name, backup.name)
    assert "A27" in {each["rule"] for each in found["findings"]}
    assert [row["id"] for row in support.get("/audit/pairs").json()["items"]] == [found["id"]]
    [finding] = support.get(f"/audit/findings?rule=A27&pair={backup.name}").json()["items"]
    assert finding["fix"] == {"label": "Select Auto-Restart", "interrupts": False, "by_job": False}
    assert support.get(f"/audit/findings/{finding['id']}").json()["how"]
    [rule] = [each for each in support.get("/audit/rules").json() if each["code"] == "A27"]
    assert rule["pairs"] == 1


def test_a_finding_is_waived_and_the_waiver_withdrawn(support, audited):
    finding = Finding.objects.get(code="A27")
    until = (timezone.now() + timedelta(days=3)).date().isoformat()
    path = f"/audit/findings/{finding.pk}/waive"
    assert support("POST", path, {"reason": "x", "expires_on": until}).status_code == 422
    assert support("POST", f"{path}?dry_run=true", {"reason": "For now.", "expires_on": until}).status_code == 200
    made = support("POST", path, {"reason": "For now.", "expires_on": until})
    assert (made.status_code, made.json()["state"], made.json()["rule"]) == (201, "soon", "A27")
    assert support("POST", path, {"reason": "For now.", "expires_on": until}).status_code == 409
    assert [row["id"] for row in support.get("/audit/waivers?state=active").json()["items"]] == [made.json()["id"]]
    done = support("POST", f"/audit/waivers/{made.json()['id']}/withdraw").json()
    assert (done["state"], done["why_ended"]) == ("ended", "Withdrawn by sue.")
    assert Waiver.objects.count() == 1


def test_a_finding_is_put_right_as_its_plan_says(admin, support, audited):
    finding = Finding.objects.get(code="A27")
    plan = support.get(f"/audit/findings/{finding.pk}/fix").json()
    assert (plan["label"], plan["steps"][0]["after"]) == ("Select Auto-Restart", "Yes")
    assert support("POST", f"/audit/findings/{finding.pk}/fix").status_code == 403
    assert admin("POST", f"/audit/findings/{finding.pk}/fix?dry_run=true").json()["would_be_done"]
    assert admin("POST", f"/audit/findings/{finding.pk}/fix", {"token": "old"}).status_code == 409
    done = admin("POST", f"/audit/findings/{finding.pk}/fix", {"token": plan["token"]})
    assert (done.status_code, done.json()["job"]) == (200, None)
    assert Application.objects.get(name="MS_Backup").auto_restart
