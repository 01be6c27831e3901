"""Everything at once: status, health, the file of apply in and out."""

import pytest

from provisioning.models import Application, Host
from tests.factories import make_application, make_host, make_pair, make_template

pytestmark = pytest.mark.django_db
FILE = {"hosts": [{"name": "alpha", "ip_address": "198.51.100.1", "enabled": True}],
        "applications": [{"name": "MS_1", "template": "Message_Server", "host": "alpha", "backup": None}]}
YAML = b"hosts:\n- {name: alpha, ip_address: 198.51.100.1}\n"


def test_status_is_as_the_command_says_it(support):
    make_pair()
    body = support.get("/status").json()
    assert {row["name"] for row in body["applications"]} == {"MS_Primary", "MS_Backup"}
    assert body["pairs"][0]["active"] == "MS_Primary"
    assert body.keys() == {"applications", "hosts", "pairs", "certificate", "console", "control", "jobs"}


def test_health_names_the_parts(support, monkeypatch):
    from api import status
    from provisioning.core.health import DOWN, OK, Component
    monkeypatch.setattr(status, "health", lambda: {
        "database": Component(OK, 1.0), "redis": Component(DOWN, None, "No.")})
    body = support.get("/health").json()
    assert body == {"status": "down", "components": {
        "database": {"status": "ok", "age_s": 1.0, "reason": ""},
        "redis": {"status": "down", "age_s": None, "reason": "No."}}}


def test_a_plan_changes_nothing_and_what_is_applied_is_there(admin):
    make_template()
    for query in ("plan=true", "dry_run=true"):
        plan = admin("POST", f"/apply?{query}", FILE).json()
        assert (plan["applied"], [(each["action"], each["name"]) for each in plan["changes"]]) == (
            False, [("create", "alpha"), ("create", "MS_1")])
        assert not Host.objects.exists()
    assert admin("POST", "/apply", FILE).json()["applied"]
    assert Application.objects.get().host.name == "alpha"
    assert admin("POST", "/apply", FILE).json()["applied"] is False


def test_a_file_is_taken_as_it_is(admin):
    answer = admin.client.generic("POST", "/api/v1/apply", data=YAML, content_type="application/yaml",
                                  headers={"Authorization": f"Bearer {admin.token}"})
    assert (answer.status_code, answer.json()["applied"]) == (200, True)


@pytest.mark.parametrize(("body", "status"), [
    ({"hots": []}, 422), ({"templates": ["/etc/passwd"]}, 422), ({"packages": ["x.tar.gz"]}, 422), ([], 422),
    ({"hosts": [{"name": "a", "lca_port": "x"}]}, 422),
    ({"applications": [{"name": "a", "template": "none", "host": "none"}]}, 409)])
def test_what_cannot_be_applied_is_refused(admin, body, status):
    answer = admin("POST", "/apply", body)
    assert answer.status_code == status, answer.json()
    assert answer["Content-Type"] == "application/problem+json"


def test_what_was_exported_is_what_is_there(support, admin):
    make_application("MS_1", host=make_host("alpha"), options={"clients": {"ada": "s3cret"}})
    document = support.get("/export").json()
    assert [row["name"] for row in document["applications"]] == ["MS_1"]
    assert "s3cret" not in support.get("/export?format=yaml").content.decode()
    assert admin("POST", "/apply?plan=true", document).json()["applied"] is False
    assert support.get("/export?names=nothing").status_code == 404


def test_who_may_not_export_or_apply_is_refused(operator, support):
    assert operator.get("/export").status_code == 403
    assert support("POST", "/apply?plan=true", FILE).status_code == 403
