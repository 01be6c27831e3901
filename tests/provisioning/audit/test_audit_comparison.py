"""An audit's results compared with earlier ones, and over time."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.audit.registry import RULES
from provisioning.models import Finding, PairAudit
from tests import factories
from tests.html import flat

from .pages import audit, change, found, sheet, waive

pytestmark = pytest.mark.django_db


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
