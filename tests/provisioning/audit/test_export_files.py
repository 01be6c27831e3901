"""Audits as files: of one pair and of all, from the pages and from the command line."""

import asyncio
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.audit.exports import FORMATS, stored_results
from provisioning.audit.exports.report import ABSENT, NEW, UNCHANGED
from provisioning.audit.exports.stored_results import LAST, Pairs, head_of, results_of
from provisioning.audit.views.exports import Streamed, gathered
from provisioning.audit.worker.run import run_audit
from provisioning.models import Application, HostRuntime, Job, PairAudit, Waiver
from provisioning.states import AuditTrigger, JobKind
from tests import factories
from tests.commands import run as command

pytestmark = pytest.mark.django_db
RIGHT = "-host 127.0.0.1 -port 2020 -app {}"


def audit(*rows: Application) -> None:
    run_audit([row.pk for row in rows] or None, trigger=AuditTrigger.DEMAND)


def content(answer) -> str:
    return b"".join(answer.streaming_content).decode()


# --- pages

@pytest.mark.parametrize("name", FORMATS)
def test_a_pair_is_downloaded_in_each_format_under_a_name_with_its_date(support, pair, name):
    audit()
    answer = support.get(f"/audit/{pair[0].pk}/export/{name}/")
    assert answer.status_code == 200
    assert answer["Content-Type"] == FORMATS[name].content_type
    wanted = rf'attachment; filename="pairwise-audit-MS_Primary-\d\d\d\d-\d\d-\d\d\.{FORMATS[name].suffix}"'
    assert re.fullmatch(wanted, answer["Content-Disposition"])
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "MS_Primary" in content(answer)


def test_everything_is_in_the_file_of_all_pairs_first(support, pair):
    factories.make_application("Alone", host=factories.make_host(), installed=True, ports={"default": 7001})
    audit()
    body = json.loads(content(support.get("/audit/export/json/")))
    assert [each["primary"] for each in body["pairs"]] == ["MS_Primary", "Alone"]
    assert body["summary"]["pairs"] == 2
    assert body["made_by"] == "support"


def test_the_file_of_all_has_what_the_list_shows_with_the_same_filter(support, pair):
    factories.make_application("Alone", host=factories.make_host("h7"), installed=True, ports={"default": 7001})
    audit()
    body = json.loads(content(support.get("/audit/export/json/", {"host": "h7", "rule": "A01"})))
    assert [each["primary"] for each in body["pairs"]] == ["Alone"]
    assert body["scope"].startswith("Pairs and single Message Servers with Host: h7; Rule: A01")


def test_an_unknown_format_a_pair_that_is_none_and_one_without_a_result_are_not_found(support, pair):
    assert support.get("/audit/export/pdf/").status_code == 404
    assert support.get("/audit/999999/export/json/").status_code == 404
    answer = support.get(f"/audit/{pair[0].pk}/export/json/")
    assert answer.status_code == 404
    assert "was not audited yet" in answer.content.decode()


def test_head_says_what_get_would_and_sends_nothing(support, pair):
    audit()
    answer = support.head("/audit/export/html/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["Content-Type"] == "text/html; charset=utf-8"


def test_who_may_not_export_gets_no_file(operator, pair):
    audit()
    assert operator.get("/audit/export/csv/").status_code == 403
    assert operator.get(f"/audit/{pair[0].pk}/export/csv/").status_code == 403


def test_a_file_compares_with_a_moment_or_with_what_was_before(support, pair):
    audit()
    Application.objects.filter(pk=pair[1].pk).update(auto_restart=False)
    audit()
    for compare in (LAST, (PairAudit.objects.order_by("pk").first().at).isoformat().replace("+00:00", "Z")):
        run = json.loads(content(support.get("/audit/export/sarif/", {"compare": compare})))["runs"][0]
        states = {each["ruleId"]: each["baselineState"] for each in run["results"]}
        assert states["A27"] == NEW
        assert states["A30"] == UNCHANGED


def test_a_moment_that_is_none_is_refused(support, pair):
    audit()
    answer = support.get("/audit/export/json/", {"compare": "yesterday"}, follow=True)
    assert "is no date" in answer.content.decode()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00+14:00", "0001-01-01", "1969-12-31T23:59:59Z",
                                    "9999-12-31T23:59-14:00", "9000-01-01"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_moment_at_the_edge_of_the_calendar_is_refused(support, pair, moment, zone, settings):
    settings.TIME_ZONE = zone
    audit()
    answer = support.get("/audit/export/json/", {"compare": moment}, follow=True)
    assert "is not taken here. Name one from 1970 to 8999." in answer.content.decode()
    code, out, err = command("audit", "--compare-with", moment)
    assert (code, out) == (2, "")
    assert err.strip().endswith("Name one from 1970 to 8999.")


def test_under_asgi_a_file_is_sent_part_by_part_as_it_is_read():
    made = []

    def parts():
        for number in range(3):
            made.append(number)
            yield f"{number}"

    async def read():
        found = []
        async for part in Streamed(parts()):
            found.append((part, len(made)))
        return found

    assert asyncio.run(read()) == [(b"0", 1), (b"1", 2), (b"2", 3)]


def test_small_parts_are_sent_together():
    assert list(gathered(["ab"] * 3)) == ["ababab"]
    assert len(list(gathered(["x" * 40_000] * 4))) == 2


# --- reading

def make_pairs(count: int) -> None:
    for number in range(count):
        backup = factories.make_application(f"B{number}", host=factories.make_host(), installed=True)
        factories.make_application(f"P{number}", host=factories.make_host(), installed=True, backup_server=backup)


def queries(baseline) -> int:
    ids = results_of()
    with CaptureQueriesContext(connection) as caught:
        head_of(ids, scope="", made_by="")
        assert len(list(Pairs(ids, baseline))) == len(ids)
    return len(caught)


def test_more_pairs_cost_no_more_queries_within_a_slice(pair):
    audit()
    once = queries(LAST)
    make_pairs(6)
    audit()
    assert queries(LAST) == once


def test_a_slice_costs_what_every_slice_costs(pair, monkeypatch):
    make_pairs(5)
    audit()
    whole = queries(None)
    monkeypatch.setattr(stored_results, "PAIRS_A_TIME", 3)
    assert queries(None) == 2 * whole


def test_what_is_gone_since_the_earlier_result_is_told(pair):
    Application.objects.filter(pk=pair[1].pk).update(auto_restart=False)
    audit()
    Application.objects.filter(pk=pair[1].pk).update(auto_restart=True)
    audit()
    (report,) = Pairs(results_of(), LAST)
    assert [(each.code, each.baseline) for each in report.gone] == [("A27", ABSENT)]
    assert not [label for label, _ in report.gone[0].values if label.endswith(", now")]


# --- command line

def test_the_command_audits_prints_and_fails_for_errors(pair):
    code, out, err = command("audit")
    assert (code, err) == (1, "")
    assert out.startswith("BROKEN  MS_Primary ⇄ MS_Backup: ")
    assert "error    A30" in out
    run = PairAudit.objects.get().run
    assert (run.trigger, run.asked_by) == ("demand", "command line")


def right(*rows: Application) -> None:
    for row in rows:
        Application.objects.filter(pk=row.pk).update(command_line_arguments=RIGHT.format(row.name))


def test_without_errors_it_succeeds_unless_warnings_count(pair):
    right(*pair)
    code, out, _ = command("audit", "MS_Backup")
    assert code == 0, out
    assert out.startswith("AT RISK  MS_Primary ⇄ MS_Backup: ")
    assert " ?  " in out
    assert command("audit", "MS_Primary", "--fail-on", "warning")[0] == 1


def test_a_waived_error_does_not_fail(pair):
    right(pair[0])
    audit()
    found = PairAudit.objects.get().findings.get(code="A30")
    Waiver.objects.create(primary=pair[0], code=found.code, subject=found.subject, fact=found.fact, reason="By hand.",
                          sentence=found.sentence, waived_by="sue",
                          expires_on=timezone.now().date() + timedelta(days=1))
    code, out, _ = command("audit")
    assert code == 0, out
    assert "waived   A30" in out
    assert "sue: By hand." in out


@pytest.mark.parametrize("words", [["Nobody"], ["--compare-with", "yesterday"], ["--output", "/nowhere/report.json"],
                                   ["--compare-with", "2999-01-01"]])
def test_what_cannot_be_audited_is_refused_with_2_and_a_sentence(pair, words):
    code, out, err = command("audit", *words)
    assert (code, out) == (2, "")
    assert err.strip().endswith(".")


def test_what_is_no_pair_is_refused(pair):
    factories.make_application("GW", template=factories.make_template("Generic", type="GenericServer"))
    code, _, err = command("audit", "GW")
    assert (code, err.strip()) == (2, "GW is no Message Server, so there is nothing to audit.")


def test_json_and_files(pair, tmp_path):
    file = tmp_path / "report.json"
    assert command("audit", "--format", "json", "--output", str(file))[1] == ""
    assert json.loads(command("audit", "--json")[1])["schema"] == "pairwise-audit/1"
    assert json.loads(file.read_text())["summary"]["verdicts"]["broken"] == 1
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_it_says_what_is_new_since_the_last_run(pair):
    command("audit")
    Application.objects.filter(pk=pair[1].pk).update(auto_restart=False)
    out = command("audit", "--compare-with", "last")[1]
    assert "+ warning  A27" in out
    assert "  error    A30" in out
    assert "+ " not in command("audit", "--compare-with", "last")[1]
    today = f"{timezone.localtime():%Y-%m-%d}"
    assert "+ error    A30" in command("audit", "--compare-with", today)[1]


def test_a_database_that_lost_something_is_2_with_a_sentence(pair):
    connection.cursor().execute("ALTER TABLE provisioning_pairaudit RENAME TO gone")
    code, out, err = command("audit")
    assert (code, out) == (2, "")
    assert "The Configuration Database did not do what the audit asked of it: no such table" in err


# --- looking first

def test_hosts_are_looked_on_first_and_one_that_is_late_is_told(pair, broker):
    HostRuntime.objects.update(facts={"looks": 1})
    code, _, err = command("audit", "MS_Primary", "--timeout", "0.1")
    assert (code, err.split(" not ")[0]) == (1, "2 hosts have")
    assert Job.objects.filter(kind=JobKind.COLLECT_FACTS).count() == 2
    Job.objects.all().delete()
    command("audit", "MS_Primary", "--no-look")
    assert not Job.objects.exists()
