"""The documentation in the console, and the way there from its pages."""

from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from provisioning.manual import selectors
from tests.html import flat

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("address", "title"), [
    ("operating.html", "Operating Pairwise"), ("pairwise/index.html", "Pairwise"),
    ("client/index.html", "pairwise-client"), ("integrations/index.html", "Programs around the console"),
    ("adr/index.html", "Decisions")])
def test_a_document_of_each_folder_is_shown(support, address, title):
    answer = support.get(f"/docs/{address}")
    assert answer.status_code == 200
    assert f'<h1 id="page-title">{title}</h1>' in flat(answer)
    assert '<article class="manual-text panel"' in answer.text


def test_the_first_page_is_the_list_of_all(support):
    page = flat(support.get("/docs/"))
    assert '<a href="hosts.html">Hosts</a>: other machines' in page
    assert page.count('aria-current="page"') == 1


@pytest.mark.parametrize("path", [
    "nowhere.html", "glossary.py", "openapi.py", "../console/settings.py", "%2e%2e/console/settings.py", "README.md",
    "deploy/console.env.example", "deploy/compose.yaml", "..%2f..%2fetc/passwd", "images/", "adr/../../run", "a%00b",
    "/etc/passwd"])
def test_no_other_file_is_given_away(support, path):
    answer = support.get(f"/docs/{path}")
    assert answer.status_code == 404
    assert "There is no such page of the documentation" in answer.text or "nothing at this address" in answer.text


@pytest.mark.parametrize(("path", "kind"), [
    ("openapi.json", "application/json"), ("pairwise-audit-1.schema.json", "application/json"),
    ("deploy/prometheus/rules.yml", "text/plain; charset=utf-8"), ("deploy/Dockerfile", "text/plain; charset=utf-8")])
def test_what_documents_link_to_is_given_as_it_is(support, path, kind):
    answer = support.get(f"/docs/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (200, kind)
    assert answer.content == selectors.files()[path].read_bytes()


def test_pictures_are_shown(support):
    pictures = [address for address in selectors.files() if address.startswith("images/")]
    assert pictures
    for address in pictures:
        assert support.get(f"/docs/{address}")["Content-Type"].startswith("image/")


def test_what_is_searched_for_is_found_and_shown_as_text(support):
    page = flat(support.get("/docs/search.html", {"q": "failover drill"}))
    assert '<a href="drills.html#failover-drill">Failover drill</a>' in page
    assert "<mark>" in page
    assert "These are the best 50" in flat(support.get("/docs/search.html", {"q": "e"}))
    assert "These are the best" not in page
    assert "Type words" in support.get("/docs/search.html").text
    hostile = support.get("/docs/search.html", {"q": '"><script>\0' + "x" * 5000}).text
    assert "<script>x" not in hostile
    assert "No section holds" in hostile


@pytest.mark.parametrize(("name", "chapter"), [
    ("application-list", "jobs.html#many-applications-at-once"), ("host-new", "hosts.html#join"),
    ("audit-rules", "audit-rules.html"), ("account", "sign-in.html"), ("api-reference", "api.html"),
    ("log-list", "log.html#read-and-search"), ("pair-list", "pair-page.html"), ("job-list", "jobs.html"),
    ("monitoring", "monitoring.html#the-dashboard")])
def test_a_page_leads_to_its_chapter(administrator, name, chapter):
    page = flat(administrator.get(reverse(name)))
    assert f'href="/docs/{chapter}"' in page[page.index('id="page-help"'):][:120]
    assert administrator.get(urlsplit(f"/docs/{chapter}").path).status_code == 200


def test_a_page_that_is_not_there_leads_to_the_list_of_all(support):
    assert 'href="/docs/index.html"' in flat(support.get("/nowhere/"))


def test_the_documentation_leads_to_no_help_and_who_may_not_read_it_is_not_led_there(support, without_role):
    assert "page-help" not in support.get("/docs/").text
    assert "page-help" not in without_role.get(reverse("account")).text
