"""Whatever a page shows only the first of: it says how many there are and leads to the rest."""

import ast
import re
from pathlib import Path

import pytest
from django.urls import reverse

import provisioning
from provisioning.applications.views import editor_parts
from provisioning.fleet.views import verbs as application_verbs
from provisioning.hosts.views import hosts
from provisioning.models import AuditRun, Event, PairAudit
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, script
from tests.test_architecture import of_pages

pytestmark = pytest.mark.django_db
ROOT = Path(provisioning.__file__).parent
CUT = {
    "fleet/views/verbs.py IDS_MAX": "more than the rows of a page of the list",
    "fleet/views/verbs.py SHOWN_MAX": "test_the_question_can_be_opened_to_all_that_is_hit",
    "charts/views.py GAPS_SHOWN": "the page says how many there are; a shorter time shows them",
    "audit/views/exports.py PAIRS_MAX + 1": "it is refused, with a sentence",
    "fleet/views/batches.py SAID_MAX": "the page says how many more; the jobs are on the batch's page",
    "browse/views.py NAMES_MAX": "test_browse.py: how many there are, and to type more of the name",
    "browse/views.py begin + SHOWN_MAX": "test_browse.py: the next ones come as one scrolls",
    "applications/views/editor_parts.py SHOWN_MAX": "test_a_tab_leads_to_all_of_its_list",
    "hosts/views/hosts.py APPLICATIONS_SHOWN": "test_the_page_of_a_host_leads_to_all_of_its_applications",
    "verbs/views/jobs.py LINES": "the page asks for the next lines by itself",
    "manual/views.py LONGEST": "no list: what somebody looks for",
    "monitoring/views/monitoring.py ALARMS": "the dashboard leads to all alarms",
    "monitoring/views/monitoring.py PAIRS": "the dashboard leads to all pairs",
    "monitoring/views/monitoring.py RECENT_EVENTS": "the dashboard leads to all events",
    "monitoring/views/monitoring.py RECENT_JOBS": "the dashboard leads to all running jobs",
    "notifications/views/names.py LONGEST_LINE": "no list: what somebody types",
    "notifications/views/names.py NAMES_MAX": "how many there are, and to type more of the name",
    "notifications/tags.py SHOWN_MOST": "test_notification_pages.py: the alarm's page leads to the list",
    "notifications/tags.py SHOWN_MOST + 1": "the same",
    "pairs/views/page.py DEPLOYED_STEPS": "no list: the steps of the guide",
    "pairs/views/pairs.py ROWS_MAX": "more than the rows of a page of the list",
    "web/exports.py min(AT_ONCE, most)": "test_exports.py: the next ones are read while the file is sent",
    "applications/forms/rows.py ROWS_MAX": "test_left_out.py: more than an application may have, so it is refused",
    "applications/forms/rows.py TOKEN_MAX": "no list: a row's name in the page",
}
"""{where rows are cut short: how the rest is found}. A new place needs a line, and a page that says it."""
TEXT = {8, 16, 20, 32, 40, 200, 255}
"""Lengths at which texts are cut."""


def test_nothing_else_is_cut_short():
    found = {f"{path.relative_to(ROOT)} {cut}" for path in of_pages() for cut in _cuts(path)}
    assert found == CUT.keys()


def _cuts(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and node.slice.upper is not None:
            upper = ast.unparse(node.slice.upper)
            if re.search(r"[A-Z]{2}", upper) or (upper.isdecimal() and int(upper) > 3 and int(upper) not in TEXT):
                yield upper


@pytest.fixture
def row():
    return factories.make_application("MS_1", host=factories.make_host("east"), installed=True, ports={"default": 7001})


@pytest.mark.parametrize(("tab", "everything"), [
    ("jobs", "/operations/jobs/?application=MS_1"), ("log", "/monitoring/events/?application=MS_1"),
    ("history", "/operations/history/?object_type=application&amp;object_id=")])
def test_a_tab_leads_to_all_of_its_list(administrator, row, monkeypatch, tab, everything):
    monkeypatch.setattr(editor_parts, "SHOWN_MAX", 1)
    address = f"{LIST}{row.pk}/tab/{tab}/"
    assert "Show all" not in flat(administrator.get(address))
    for number in range(2):
        factories.make_job(row, state="failed")
        Event.objects.create(at=row.created_at, application=row, text=f"{number}")
        administrator.post(f"{LIST}action/", {"verb": "disable" if number else "enable", "ids": row.pk})
    administrator.post(f"{LIST}action/", {"verb": "enable", "ids": row.pk})
    text = flat(administrator.get(address))
    assert re.search(r"The newest 1 of \d are shown\.", text)
    assert f'<a href="{everything}' in text


def test_the_page_of_a_host_leads_to_all_of_its_applications(support, row, monkeypatch):
    monkeypatch.setattr(hosts, "APPLICATIONS_SHOWN", 1)
    address = reverse("host-detail", args=[row.host_id])
    assert "Show all" not in flat(support.get(address))
    factories.make_application("MS_2", host=row.host)
    assert f'<a href="{LIST}?host=east">Show all 2</a>' in flat(support.get(address))


def test_the_page_of_a_template_has_all_that_it_is_used_by(support):
    template = factories.make_template()
    for number in range(52):
        factories.make_application(f"MS_{number}", template=template)
    address = reverse("template-detail", args=[template.pk])
    assert ">MS_49</a>" in (first := flat(support.get(address)))
    assert ">MS_50</a>" not in first
    assert 'rel="next" href="?page=2"' in first
    assert ">MS_51</a>" in flat(support.get(f"{address}?page=2"))


def test_the_question_can_be_opened_to_all_that_is_hit(administrator, monkeypatch):
    monkeypatch.setattr(application_verbs, "SHOWN_MAX", 2)
    rows = [factories.make_application(f"MS_{number}") for number in range(4)]
    text = flat(administrator.post(f"{LIST}action/", {"verb": "delete", "ids": [row.pk for row in rows]},
                                   headers=script()))
    assert re.search(r"<details><summary>and 2 more</summary> ?MS_2, MS_3 ?</details>", text)


def test_every_result_of_a_pair_can_be_compared_with(support, monkeypatch):
    from provisioning.audit.selectors import audits

    monkeypatch.setattr(audits, "RESULTS_MAX", 2)
    primary, _ = factories.make_pair()
    run = AuditRun.objects.create(at=primary.created_at, trigger="demand", whole=False, pairs=1)
    for number in range(5):
        PairAudit.objects.create(primary=primary, run=run, verdict="ready", is_latest=number == 4, errors=number,
                                 at=primary.created_at, confirmed_at=primary.created_at)
    address, offered = reverse("audit-compare", args=[primary.pk]), []
    while address:
        text = flat(support.get(address))
        offered += re.findall(r'<option value="(\d+)"', text)
        older = re.search(r'href="([^"]*before=\d+)"', text)
        address = older and older[1]
    assert len(offered) == len(set(offered)) == 4
