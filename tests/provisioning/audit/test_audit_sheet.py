"""The sheet of a pair: verdict, findings, what is not known; Fix."""

from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from provisioning.audit.exports import FORMATS
from provisioning.audit.registry import ordered
from provisioning.models import Finding, PairAudit
from tests import factories
from tests.html import flat
from tests.provisioning.posted import script

from .pages import audit, change, found, sheet

pytestmark = pytest.mark.django_db


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


def test_a_result_of_a_rule_that_is_gone_can_still_be_read(administrator, warned):
    finding = found(warned[0], "A27")
    Finding.objects.filter(pk=finding.pk).update(code="A41", remedy="set_reconnect")
    text = flat(administrator.get(sheet(warned[0])))
    assert "a rule that is not judged any more" in text
    assert finding.sentence in text
    assert "#A41" not in text
    fix = reverse("audit-finding-fix", args=[warned[0].pk, finding.pk])
    assert fix not in text
    assert "Pairwise has no fix for it." in flat(administrator.get(fix, follow=True))
    # A test suite has a case for each rule that there is.
    for file_format in FORMATS.keys() - {"junit"}:
        answer = administrator.get(reverse("audit-pair-export", args=[warned[0].pk, file_format]))
        assert (answer.status_code, "A41" in answer.getvalue().decode()) == (200, True), file_format


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
