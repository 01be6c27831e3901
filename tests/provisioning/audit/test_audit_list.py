"""The list of audited pairs, Audit now, the catalogue of rules, and what other pages say of the audit."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from provisioning.audit.registry import ordered
from provisioning.models import Application, PairAudit
from tests import factories
from tests.html import flat
from tests.provisioning.posted import script

from .pages import audit, sheet, waive

pytestmark = pytest.mark.django_db
LIST = "/audit/"


# --- the list


def test_the_list_shows_the_worst_first_then_by_name(support, pair):
    factories.make_application("AA_Single", host=factories.make_host(), installed=True, ports={"default": 7001})
    audit()
    PairAudit.objects.filter(primary=pair[0]).update(verdict="ready")
    text = support.get(LIST).text
    assert text.index("MS_Primary") < text.index("AA_Single")
    assert "In no pair" in text
    assert "AA_Single" not in support.get(LIST, {"verdict": "ready"}).text


@pytest.mark.parametrize(("query", "shown"), [
    ("text=primary", True), ("text=backup", True), ("text=nobody", False), ("verdict=broken", True),
    ("verdict=ready", False), ("severity=warning", True), ("severity=note", False), ("rule=A27", True),
    ("rule=A02", False), ("show=unknown", True), ("show=waived", False), ("show=single", False),
    ("verdict=nonsense", True), ("sort=-errors", True), ("sort=nonsense", True), ("page=7", True),
])
def test_the_list_is_filtered_by_what_the_address_says(support, warned, query, shown):
    PairAudit.objects.update(notes=0)
    text = support.get(f"{LIST}?{query}").text
    assert (f'href="{sheet(warned[0])}' in text) is shown
    if not shown:
        assert "Nothing matches this filter." in text


def test_the_list_is_filtered_by_the_host_of_either_member(support, warned):
    other = factories.make_host("lonely")
    for host, shown in ((warned[0].host, True), (warned[1].host, True)):
        assert (f'href="{sheet(warned[0])}' in support.get(f"{LIST}?host={host.name}").text) is shown
    assert f'value="{other.name}"' not in support.get(LIST).text


def test_a_part_of_a_hosts_name_will_do(support, warned):
    part = warned[0].host.name[:-1]
    text = support.get(LIST, {"host": part}).text
    assert f'href="{sheet(warned[0])}' in text
    assert f'<input type="text" name="host" value="{part}"' in text
    assert f'href="{sheet(warned[0])}' not in support.get(f"{LIST}?host=nowhere").text


def test_waived_findings_of_one_rule_can_be_looked_for(support, warned, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        waive(support, warned[0])
    assert f'href="{sheet(warned[0])}' in support.get(f"{LIST}?rule=A27&show=waived").text
    assert f'href="{sheet(warned[0])}' not in support.get(f"{LIST}?rule=A30&show=waived").text


def test_a_page_of_the_list_takes_the_same_queries_for_any_number_of_pairs(support, pair):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert support.get(LIST).status_code == 200
        return len(caught)

    audit()
    queries()
    once = queries()
    for number in range(8):
        backup = factories.make_application(f"B{number}", host=factories.make_host(), installed=True)
        factories.make_application(f"P{number}", host=factories.make_host(), installed=True, backup_server=backup)
    audit()
    assert queries() == once <= 18


def test_the_strip_counts_verdicts_and_tells_of_the_last_run(support, warned):
    text = support.get(LIST).text
    assert f'{LIST}?verdict=broken"' in text
    assert "on schedule" in text
    assert "1 checked in" in text


def test_the_trend_of_all_pairs_is_drawn_from_whole_runs(support, pair):
    audit()
    assert "All pairs at each full run" not in support.get(LIST).text
    audit(pair[0])
    assert "All pairs at each full run" not in support.get(LIST).text
    factories.make_application("MS_Single", host=factories.make_host(), installed=True, ports={"default": 7001})
    audit()
    text = support.get(LIST).text
    assert "All pairs at each full run" in text
    assert "Broken went from 1 to 2" in text
    assert "<path class=\"trend-line trend-broken\" d=\"M" in text


def test_an_empty_audit_says_what_to_do_next(support, pair):
    assert "1 pair not audited yet" in support.get(LIST).text
    Application.objects.all().delete()
    assert "There is no pair to audit yet." in support.get(LIST).text


def test_the_tab_says_how_many_pairs_are_broken(support, warned):
    assert "1 broken pair" in support.get("/operations/history/").text
    PairAudit.objects.update(verdict="ready")
    assert "broken pair" not in support.get("/operations/history/").text


def test_a_server_in_no_pair_is_no_broken_pair(support, warned):
    """It has a number of its own beside those of the verdicts, and the red badge does not count it."""
    PairAudit.objects.update(verdict="ready")
    factories.make_application("MS_Single", host=factories.make_host(), installed=True, ports={"default": 7001})
    audit()
    PairAudit.objects.exclude(primary__name="MS_Single").update(verdict="ready")
    assert PairAudit.objects.get(primary__name="MS_Single", is_latest=True).verdict == "broken"
    answer = support.get(LIST)
    assert "broken pair" not in answer.text
    assert (dict(answer.context["counts"])["broken"], answer.context["singles"]) == (0, 1)
    assert "MS_Single" in support.get(LIST, {"show": "single"}).text
    assert "MS_Single" not in support.get(LIST, {"verdict": "broken"}).text


def test_what_the_list_shows_can_be_exported(support, warned):
    factories.make_application("MS_Single", host=factories.make_host(), installed=True, ports={"default": 7001})
    audit()
    assert reverse("audit-export", args=["csv"]) + "?rule=A27" in support.get(f"{LIST}?rule=A27").text
    everything = b"".join(support.get(reverse("audit-export", args=["csv"]))).decode()
    chosen = b"".join(support.get(reverse("audit-export", args=["csv"]), {"rule": "A27"})).decode()
    assert "MS_Single" in everything
    assert "MS_Single" not in chosen
    assert "MS_Primary" in chosen


def test_the_sheet_exports_its_pair(support, warned):
    assert reverse("audit-pair-export", args=[warned[0].pk, "html"]) in support.get(sheet(warned[0])).text


# --- Audit now


def test_audit_now_of_chosen_pairs_says_what_came_of_it(support, pair):
    answer = support.post(reverse("audit-run"), {"ids": [pair[0].pk], "next": sheet(pair[0])}, follow=True)
    assert answer.redirect_chain == [(sheet(pair[0]), 302)]
    assert "1 pair audited: 1 broken; 1 result changed. Hosts that answer are looked on now" in answer.text
    again = support.post(reverse("audit-run"), {"ids": [pair[0].pk]}, follow=True)
    assert "everything is as before" in again.text


def test_a_script_that_audits_gets_the_message_and_what_to_refresh(support, pair):
    answer = support.post(reverse("audit-run"), {"ids": [pair[0].pk]}, headers=script())
    assert "1 pair audited" in answer.text
    assert "rows-changed" in answer["HX-Trigger"]


def test_audit_now_of_everything_is_carried_out_here_when_nobody_else_can(support, pair, no_broker):
    answer = support.post(reverse("audit-run"), follow=True)
    assert "1 pair audited" in answer.text
    assert PairAudit.objects.filter(primary=pair[0]).exists()


def test_audit_now_of_everything_is_given_to_the_console_worker(support, pair, broker):
    answer = support.post(reverse("audit-run"), headers=script())
    assert "is running" in answer.text
    assert "audit-asked" in answer["HX-Trigger"]


# --- rules, other pages


def test_the_catalogue_has_every_rule_with_how_many_pairs_have_it(support, warned):
    text = flat(support.get(reverse("audit-rules")))
    for rule in ordered():
        assert f'id="{rule.code}"' in text
    assert f'href="{LIST}?rule=A27">found in 1' in " ".join(text.split())


def test_the_pair_page_and_the_dashboard_say_the_verdict(support, warned, broker):
    assert f'href="{sheet(warned[0])}"' in support.get(reverse("pair-detail", args=[warned[0].pk])).text
    assert f'{LIST}?verdict=broken"' in support.get(reverse("monitoring")).text
    tab = reverse("application-tab", args=[warned[1].pk, "dependencies"])
    assert f'href="{sheet(warned[0])}"' in support.get(tab).text
