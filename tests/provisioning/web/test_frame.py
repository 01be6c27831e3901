"""The frame around every page: tabs, tree, banner, policy of scripts, vendored files, pages that say what is wrong."""

import hashlib
import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from provisioning.frame import SCRIPTS
from provisioning.glossary import TERMS, anchor
from provisioning.navigation import NAVIGATION
from provisioning.record.models import ControlBeat
from provisioning.web.styles import GROUPS
from provisioning.web.tags import CHIPS
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST

pytestmark = pytest.mark.django_db
TEMPLATES = settings.BASE_DIR / "templates"
STATIC = settings.BASE_DIR / "static"
SPRITE = STATIC / "vendor/bootstrap-icons/sprite.svg"


def page(client, address=LIST):
    return flat(client.get(address))


def test_tabs_tree_breadcrumb_and_the_way_past_them(administrator):
    text = page(administrator)
    for section in NAVIGATION:
        assert f">{section.label}</a>" in text
    assert '<a href="/provisioning/environment/applications/" aria-current="page">' in text
    assert "<li>Provisioning</li><li>Environment</li><li>Applications</li>" in text
    assert '<a class="skip" href="#content">' in text


@pytest.mark.parametrize(("name", "crumbs"), [
    ("channel-list", '<li>Monitoring</li><li>Notifications</li>'),
    ("rule-list", '<li>Monitoring</li><li><a href="/monitoring/notifications/channels/">Notifications</a></li>'
                  '<li>Rules</li>'),
    ("maintenance-list", '<li>Monitoring</li><li><a href="/monitoring/alarms/">Alarms</a></li><li>Maintenance</li>'),
    ("maintenance-new", '<li>Monitoring</li><li><a href="/monitoring/alarms/">Alarms</a></li>'
                        '<li><a href="/monitoring/alarms/maintenance/">Maintenance</a></li>'),
    ("rule-new", '<li><a href="/monitoring/notifications/channels/">Notifications</a></li>'
                 '<li><a href="/monitoring/notifications/rules/">Rules</a></li>'),
    ("wall-display", '<li>Monitoring</li><li><a href="/monitoring/alarms/">Alarms</a></li>'),
    ("host-new", '<li>Environment</li><li><a href="/provisioning/environment/hosts/">Hosts</a></li><li>New</li>'),
    ("password-change", '<li><a href="/account/">Account</a></li><li>Change password</li>')])
def test_a_page_behind_one_of_the_tree_leads_back_there(administrator, name, crumbs):
    assert f"{crumbs}</ol>" in page(administrator, reverse(name))


@pytest.mark.parametrize("age_s", [None, 60])
def test_the_banner_says_when_control_does_not_answer(administrator, age_s):
    if age_s is not None:
        ControlBeat.objects.create(name="control", at=timezone.now() - timedelta(seconds=age_s))
    assert "Control does not answer" in page(administrator)


def test_no_banner_while_control_answers(administrator):
    ControlBeat.objects.create(name="control", at=timezone.now())
    assert "Control does not answer" not in page(administrator)


def test_nothing_inline_runs_and_the_policy_says_so(administrator):
    answer = administrator.get(LIST)
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_templates_have_no_inline_script_or_style(path):
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:|hx-on|hx-vals='js:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


def test_every_icon_that_is_named_is_in_the_sprite():
    there = set(re.findall(r'<symbol id="([^"]+)"', SPRITE.read_text()))
    named = {name for _, name in CHIPS.values()}
    named |= {item.icon for section in NAVIGATION for _, items in section.groups for item in items}
    for path in TEMPLATES.rglob("*.html"):
        named |= set(re.findall(r'{% icon "([^"]+)"', path.read_text()))
    assert named <= there


def test_vendored_files_are_what_their_list_says():
    lines = (STATIC / "vendor/README.md").read_text()
    listed = re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", lines, re.MULTILINE)
    there = {str(path.relative_to(STATIC / "vendor")) for path in (STATIC / "vendor").glob("*/*")}
    assert {name for name, _ in listed} == {name for name in there if not name.endswith("/LICENSE")}
    for name, digest in listed:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("name", [*(name for group in GROUPS.values() for name in group), *SCRIPTS])
def test_what_every_page_loads_exists(name):
    assert (STATIC / name).is_file()


def test_no_stylesheet_or_script_asks_another_site():
    for path in [*STATIC.rglob("*.css"), *STATIC.rglob("*.js")]:
        assert not re.search(r"(url\(|import |fetch\()[\"']?(https?:)?//", path.read_text()), path


def test_a_wrong_address_is_answered_inside_the_frame(administrator):
    answer = administrator.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()


def test_a_form_without_its_token_is_refused_with_a_sentence(administrator):
    administrator.handler.enforce_csrf_checks = True
    answer = administrator.post(f"{LIST}action/", {"verb": "start"})
    assert answer.status_code == 403
    assert "Nothing was changed." in flat(answer)


def test_names_are_escaped_everywhere(administrator):
    row = factories.make_application("<b>MS</b>", status="Started")
    for address in (LIST, f"{LIST}{row.pk}/", f"{LIST}{row.pk}/clone/", f"{LIST}{row.pk}/delete/"):
        assert "<b>MS</b>" not in page(administrator, address)


def test_templates_of_the_pages_are_short():
    long = {str(path): lines for path in Path(TEMPLATES).rglob("*.html")
            if (lines := len(path.read_text().splitlines())) > 300}
    assert not long


def test_the_user_menu_leads_to_the_documentation_and_to_the_glossary_which_has_every_term(support):
    address = reverse("manual-document", args=["glossary"])
    menu = support.get(reverse("monitoring")).text
    assert f'href="{reverse("manual")}"' in menu
    assert f'href="{address}"' in menu
    page = flat(support.get(address))
    for term, text in TERMS.items():
        assert f'<h2 id="{anchor(term)}">{term}</h2>' in page
        assert html.escape(text, quote=False) in page.replace("&quot;", '"')
