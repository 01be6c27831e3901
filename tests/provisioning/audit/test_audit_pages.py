"""The audit's pages: list, sheet, waivers, fixes, compare, trend, catalogue."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from provisioning.audit.registry import RULES, ordered
from provisioning.audit.worker.run import run_audit
from provisioning.models import Application, Finding, HistoryEntry, PairAudit, Waiver
from provisioning.states import AuditTrigger
from tests import factories
from tests.html import flat
from tests.provisioning.posted import script

pytestmark = pytest.mark.django_db
LIST = "/audit/"


def audit(*rows: Application):
    return run_audit([row.pk for row in rows] or None, trigger=AuditTrigger.SCHEDULE)


def change(row: Application, **fields) -> None:
    Application.objects.filter(pk=row.pk).update(**fields)


def sheet(row: Application) -> str:
    return reverse("audit-sheet", args=[row.pk])


def found(row: Application, code: str) -> Finding:
    return Finding.objects.get(audit__primary=row, audit__is_latest=True, code=code)


@pytest.fixture
def warned(pair):
    """A pair whose backup has no Auto-Restart (A27), audited."""
    change(pair[1], auto_restart=False)
    audit()
    return pair


def waive(client, primary, code="A27", **fields):
    address = reverse("audit-finding-waive", args=[primary.pk, found(primary, code).pk])
    day = timezone.now().date() + timedelta(days=7)
    return client.post(address, {"reason": "Restarted by hand until May", "expires_on": day.isoformat(), **fields})


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


# --- the sheet


def test_the_sheet_says_the_verdict_and_shows_both_values_of_a_finding(support, warned):
    text = flat(support.get(sheet(warned[0])))
    assert "Broken: 2 errors, 1 warning;" in text
    finding = found(warned[0], "A27")
    for label, value in finding.values:
        assert f"<dt>{label}</dt><dd>{value}</dd>" in text
    assert f'href="{reverse("audit-rules")}#A27"' in text
    assert "Why it matters" in text
    assert f'href="{reverse("application-edit", args=[warned[1].pk])}"' in text


def test_every_rule_is_found_or_not_known_or_passed_on_the_sheet(support, warned):
    text = support.get(sheet(warned[0])).text
    for rule in ordered():
        assert f"#{rule.code}\"" in text


def test_what_no_host_has_shown_stands_under_not_known(support, warned):
    text = unescape(support.get(sheet(warned[0])).text)
    assert "Look on the hosts" in text
    assert PairAudit.objects.get().unknown[0]["sentence"] in text


def test_a_backup_leads_to_the_sheet_of_its_primary(support, warned):
    assert support.get(sheet(warned[1])).url == sheet(warned[0])


def test_backups_that_name_each_other_have_a_sheet_each(support, pair):
    change(pair[1], backup_server=pair[0])
    assert support.get(sheet(pair[0])).status_code == 200
    audit()
    assert support.get(sheet(pair[1])).status_code == 200


def test_a_pair_that_was_never_audited_says_so(support, pair):
    assert "This pair has not been audited yet." in support.get(sheet(pair[0])).text


def test_the_sheet_of_no_server_does_not_exist(support):
    client_ = factories.make_application("Agent_Desktop", type="GenericClient")
    answer = support.get(sheet(client_))
    assert answer.status_code == 404
    assert "is no Message Server" in answer.text


def test_an_operator_sees_everything_with_the_buttons_off_and_why(operator, warned):
    text = operator.get(sheet(warned[0])).text
    assert "Your role does not let you run the audit." in text
    assert "Your role does not let you waive findings." in text
    assert "Your role does not let you create, change and delete applications." in text


def test_the_sheet_takes_the_same_queries_for_any_number_of_findings(support, pair):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert support.get(sheet(pair[0])).status_code == 200
        return len(caught)

    audit()
    queries()
    few = queries()
    change(pair[1], auto_restart=False, enabled=False, startup_timeout=0, host=pair[0].host)
    audit()
    assert queries() <= few


def test_the_fragment_of_a_sheet_has_no_frame(support, warned):
    text = support.get(sheet(warned[0]), headers=script("audit-sheet")).text
    assert "<html" not in text
    assert 'id="audit-sheet"' in text


# --- waivers


def test_a_waived_finding_stays_on_the_sheet_and_does_not_count(support, warned, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = waive(support, warned[0])
    assert answer.url == sheet(warned[0])
    text = support.get(sheet(warned[0])).text
    assert "1 finding is waived" in text
    assert "Restarted by hand until May" in text
    assert "0 warnings" not in text
    assert PairAudit.objects.get(primary=warned[0], is_latest=True).warnings == 0
    entry = HistoryEntry.objects.get(object_id=str(warned[0].pk))
    assert entry.reason.startswith("Waived A27")
    assert "Restarted by hand until May" in entry.reason


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"reason": ""}, "Say why the finding is accepted."), ({"reason": "ok"}, "Say in 3 to 1024 characters"),
    ({"expires_on": ""}, "Choose the last day"), ({"expires_on": "soon"}, "Choose a date"),
    ({"expires_on": "2001-01-01"}, "cannot be past"), ({"expires_on": "2999-01-01"}, "a year at most"),
    ({"expires_on": "0001-01-01"}, "cannot be past"), ({"expires_on": "9999-12-31"}, "a year at most"),
])
def test_a_waiver_needs_a_reason_and_a_day_that_can_be(support, warned, fields, sentence):
    answer = waive(support, warned[0], **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert not Waiver.objects.exists()


def test_what_is_found_no_more_cannot_be_waived(support, warned):
    address = reverse("audit-finding-waive", args=[warned[0].pk, found(warned[0], "A27").pk])
    day = timezone.now().date().isoformat()
    change(warned[1], auto_restart=True)
    audit()
    answer = support.post(address, {"reason": "not needed", "expires_on": day})
    assert answer.status_code == 422
    assert "is not found any more" in answer.text


def test_a_finding_of_an_earlier_result_that_says_the_same_can_be_waived(support, warned):
    address = reverse("audit-finding-waive", args=[warned[0].pk, found(warned[0], "A27").pk])
    change(warned[1], enabled=False)
    audit()
    answer = support.post(address, {"reason": "as before", "expires_on": timezone.now().date().isoformat()})
    assert answer.status_code == 302
    assert Waiver.objects.get().fact == found(warned[0], "A27").fact


def test_a_finding_is_waived_once(support, warned):
    waive(support, warned[0])
    answer = waive(support, warned[0], reason="once more")
    assert answer.status_code == 422
    assert "support waived A27 already" in answer.text


def test_a_waiver_that_expired_gives_way_to_a_new_one(support, warned):
    waive(support, warned[0])
    Waiver.objects.update(expires_on=timezone.now().date() - timedelta(days=1))
    assert waive(support, warned[0], reason="still so").status_code == 302
    assert Waiver.objects.filter(ended_at=None).get().reason == "still so"


def test_a_waiver_that_is_withdrawn_lets_the_finding_count_again(support, warned, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        waive(support, warned[0])
    address = reverse("audit-waiver-withdraw", args=[Waiver.objects.get().pk])
    asked = flat(support.get(f"{address}?next=/audit/waivers/"))
    for words in ("A27 counts again for the verdict of", Waiver.objects.get().reason,
                  'name="next" value="/audit/waivers/"', 'href="/audit/waivers/"'):
        assert words in asked
    assert Waiver.objects.get().ended_at is None
    with django_capture_on_commit_callbacks(execute=True):
        answer = support.post(address, follow=True)
    assert "the finding counts again" in answer.text
    assert PairAudit.objects.get(primary=warned[0], is_latest=True).warnings == 1
    row = Waiver.objects.get()
    assert (row.ended_by, row.ended_at is None) == ("support", False)
    for again in (support.post(address, follow=True), support.get(address, follow=True)):
        assert "support withdrew it" in again.text


def test_the_list_of_waivers_says_how_each_stands_and_why_it_ended(support, warned):
    today, primary = timezone.now().date(), warned[0]
    now = found(primary, "A27")

    def make(subject, *, days, fact=now.fact, **fields):
        Waiver.objects.create(primary=primary, code="A27", subject=subject, fact=fact, sentence=now.sentence,
                              reason=f"{subject} reason", waived_by="sue", expires_on=today + timedelta(days=days),
                              **fields)

    make(now.subject, days=3)
    make("gone", days=90)
    make("withdrawn", days=90, ended_at=timezone.now(), ended_by="max")
    make("expired", days=-1)
    text = support.get(reverse("audit-waivers")).text
    for words in ("Ends soon", "The finding is gone.", "Withdrawn by max.", "It expired by itself."):
        assert words in text
    Waiver.objects.filter(subject=now.subject).update(fact="another", expires_on=today + timedelta(days=90))
    assert "What is found now is not what was waived." in support.get(reverse("audit-waivers")).text
    Waiver.objects.filter(subject=now.subject).update(fact=now.fact)
    active = support.get(reverse("audit-waivers"), {"state": "active"}).text
    assert f"{now.subject} reason" in active
    assert "gone reason" not in active
    assert f"{now.subject} reason" not in support.get(reverse("audit-waivers"), {"state": "soon"}).text
    assert f"{now.subject} reason" not in support.get(reverse("audit-waivers"), {"state": "ended"}).text


# --- Fix


def test_a_fix_shows_its_plan_and_then_does_it_and_audits_again(administrator, warned,
                                                                django_capture_on_commit_callbacks):
    address = reverse("audit-finding-fix", args=[warned[0].pk, found(warned[0], "A27").pk])
    dialog = administrator.get(address, headers=script())
    assert "Auto-Restart of MS_Backup" in dialog.text
    assert "No server is interrupted." in dialog.text
    token = dialog.context["plan"].token
    with django_capture_on_commit_callbacks(execute=True):
        answer = administrator.post(address, {"token": token}, follow=True)
    assert answer.redirect_chain[0][0] == sheet(warned[0])
    assert "was audited again" in answer.text
    assert not Finding.objects.filter(audit__is_latest=True, code="A27").exists()


def test_a_plan_that_somebody_overtook_is_shown_anew(administrator, warned):
    address = reverse("audit-finding-fix", args=[warned[0].pk, found(warned[0], "A27").pk])
    answer = administrator.post(address, {"token": "0.0"})
    assert answer.status_code == 422
    assert "Look at the new plan" in answer.text


def test_a_finding_that_people_put_right_has_no_fix(administrator, warned):
    Finding.objects.update(remedy="")
    address = reverse("audit-finding-fix", args=[warned[0].pk, found(warned[0], "A27").pk])
    assert "People put this right" in administrator.get(address, follow=True).text


# --- compare and trend


def test_an_earlier_result_is_compared_with_now(support, warned):
    first = PairAudit.objects.get()
    change(warned[0], auto_restart=False)
    change(warned[1], auto_restart=True, enabled=False)
    audit()
    text = support.get(reverse("audit-compare", args=[warned[0].pk])).text
    new, changed, gone, unchanged = (text.index(f'id="compare-{name}"') if name != "unchanged" else
                                     text.index(">Unchanged") for name in ("new", "changed", "gone", "unchanged"))
    assert "#A07" in text[new:changed]
    assert "#A27" in text[gone:unchanged]
    assert "#A30" in text[unchanged:]
    assert f'value="{first.pk}" selected' in text


def test_a_finding_with_another_value_stands_under_changed_with_then_and_now(support, warned):
    Finding.objects.filter(code="A27").update(fact="another", values=[["Wanted", "Yes"], ["Found", "Perhaps"]])
    change(warned[1], enabled=False)
    audit()
    text = support.get(reverse("audit-compare", args=[warned[0].pk])).text
    part = text[text.index('id="compare-changed"'):text.index('id="compare-gone"')]
    assert "Perhaps" in part
    assert "<h4>Then</h4>" in part


def test_what_is_gone_is_told_as_over_with_from_when_to_when(support, warned):
    since = timezone.now() - timedelta(minutes=5)
    PairAudit.objects.update(at=since)
    Finding.objects.update(first_found_at=since)
    change(warned[1], auto_restart=True, enabled=False)
    audit()
    page = support.get(reverse("audit-compare", args=[warned[0].pk])).text
    part = page[page.index('id="compare-gone"'):page.index(">Unchanged")]
    assert "Then:" in part
    assert re.search(r"<dt>Found</dt>\s*<dd><time.*</time> to <time", part)
    assert ", then</dt>" in part
    assert ", now</dt>" not in part
    assert "data-ago" not in part
    kept = page[page.index(">Unchanged"):]
    assert "<dt>Since</dt>" in kept
    assert ", now</dt>" in kept


def test_the_then_side_of_what_changed_speaks_of_then(support, warned):
    Finding.objects.filter(code="A27").update(fact="another", values=[["Auto-Restart, wanted", "Yes"],
                                                                      ["Auto-Restart, now", "Perhaps"]])
    change(warned[1], enabled=False)
    audit()
    page = support.get(reverse("audit-compare", args=[warned[0].pk])).text
    then, now = page[page.index('id="compare-changed"'):page.index('id="compare-gone"')].split("<h4>Now</h4>")
    assert "Auto-Restart, then" in then
    assert ", now</dt>" not in then
    assert ", now</dt>" in now


def test_an_earlier_result_is_chosen_by_its_verdict_and_a_moment_is_said_once(support, warned):
    at = timezone.now().replace(microsecond=0) - timedelta(days=1)
    PairAudit.objects.update(at=at, confirmed_at=at)
    change(warned[1], enabled=False)
    audit()
    text = flat(support.get(reverse("audit-compare", args=[warned[0].pk])))
    errors = PairAudit.objects.get(is_latest=False).errors
    assert re.search(rf"Broken, {errors} errors?, 1 warning: {at:%Y-%m-%d %H:%M:%S} ?<", text), text


@pytest.mark.parametrize("name", ["audit-sheet", "audit-finding-waive", "audit-finding-fix", "audit-waivers"])
def test_what_was_found_comes_first_and_the_rule_is_named_as_a_rule(administrator, warned, name):
    finding, title = found(warned[0], "A27"), RULES["A27"].title
    waive(administrator, warned[0])
    args = {"audit-waivers": [], "audit-sheet": [warned[0].pk]}.get(name, [warned[0].pk, finding.pk])
    page = administrator.get(reverse(name, args=args)).text
    text = unescape(" ".join(re.sub(r"<[^>]+>", "", page).split()))
    assert finding.sentence.rstrip(".") in text
    assert re.search(rf"Rule A27: {re.escape(title)}", text)
    assert not re.search(rf"<h[123][^>]*>[^<]*{re.escape(title)}", page)


def test_a_result_of_another_pair_cannot_be_compared_with(support, warned):
    other = factories.make_application("MS_Single", host=factories.make_host(), installed=True)
    audit()
    foreign = PairAudit.objects.get(primary=other).pk
    assert support.get(reverse("audit-compare", args=[warned[0].pk]), {"with": foreign}).status_code == 404


def test_without_an_earlier_result_the_comparison_says_so(support, warned):
    assert "There is no earlier result" in support.get(reverse("audit-compare", args=[warned[0].pk])).text


def test_the_sheet_draws_errors_and_warnings_over_time(support, warned):
    assert "Errors and warnings over time" not in support.get(sheet(warned[0])).text
    change(warned[1], auto_restart=True)
    audit()
    text = support.get(sheet(warned[0])).text
    assert "Errors and warnings over time" in text
    assert "Warnings went from 1 to 0" in text
    assert "style=" not in text


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
