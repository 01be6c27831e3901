"""A list is found again as it was left: filters, order and page go along to every page behind it, and come back through
Save and Close, Cancel, Delete and the breadcrumb."""

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import resolve, reverse

from provisioning.states import Role
from provisioning.web.lists import LIST, LISTS
from tests import factories
from tests.provisioning.addresses import ADDRESSES
from tests.provisioning.posted import form_of, script

pytestmark = pytest.mark.django_db
ADMINISTRATOR = str(Role.ADMINISTRATOR)
MAIN = re.compile(r'<main class="content".*</main>', re.DOTALL)
HREF = re.compile(r'<a\b[^>]*?\shref="([^"]+)"')


@dataclass(frozen=True)
class Walked:
    """A list as somebody left it, with a filter that its rows pass, and pages that must be behind it (names of
    addresses). ``pk``: kind of the object of World whose list it is."""

    query: dict = field(default_factory=dict)
    behind: tuple[str, ...] = ()
    pk: str = ""


WALKS = {
    "application-list": Walked({"q": "ms_", "sort": "-name", "page": "1"},
                               ("application-edit", "application-new", "pair-detail", "host-detail")),
    "template-list": Walked({"text": "message", "sort": "-name"}, ("template-detail", "template-import")),
    "host-list": Walked({"text": "host", "sort": "-name"}, ("host-detail", "host-new")),
    "user-list": Walked({"text": "an"}, ("user-detail", "user-new")),
    "apitoken-list": Walked({"text": "program"}, ("apitoken-edit", "apitoken-revoke", "service-new", "user-detail")),
    "package-list": Walked({"text": "message"}, ("package-detail", "package-import")),
    "job-list": Walked({"application": "MS_Primary", "state": "failed"}, ("job-detail", "host-detail")),
    "event-list": Walked({"text": "started"}, ("application-edit",)),
    "history": Walked({"object_type": "application"}, ("history-entry", "application-edit")),
    "history-deleted": Walked({"text": "gone"}, ("history-entry", "history-restore")),
    "pair-list": Walked({"text": "ms_"}, ("pair-detail",)),
    "pair-drills": Walked({"page": "1"}, ("drill-detail",), pk="pair"),
    "audit-list": Walked({"text": "ms_", "sort": "name"}, ("audit-sheet",)),
    "log-list": Walked({"application": "MS_Primary"}, ("log-record",)),
    "alarm-list": Walked({"application": "MS_Primary"}, ("alarm-detail", "alarm-acknowledge", "alarm-clear")),
    "condition-list": Walked({"text": "Line"}, ("condition-new", "condition-edit", "condition-delete")),
    "channel-list": Walked({"text": "Duty"}, ("channel-new", "channel-edit", "channel-delete", "channel-test")),
    "shipping-list": Walked({"text": "Collector"}, ("shipping-new", "shipping-edit", "shipping-delete", "shipping-test",
                                                    "shipping-again")),
    "rule-list": Walked({"text": "Night"}, ("rule-new", "rule-edit", "rule-delete")),
    "delivery-list": Walked({"text": "happened"}, ("delivery-detail",)),
    "maintenance-list": Walked({"text": "disk"}, ("maintenance-new", "maintenance-end")),
    "pair-changes": Walked({"kind": "job"}, ("job-detail",), pk="pair"),
    "pair-messages": Walked({"of": "/topic/a"}, ("pair-message-publish", "pair-detail"), pk="pair"),
    "pair-destinations": Walked({"begins": "/topic/"}, ("pair-message-publish", "pair-detail"), pk="pair"),
    "audit-waivers": Walked({"state": "active"}, ("audit-sheet",)),
}


def left(world, name: str) -> str:
    """The address of a list as it was left."""
    walk = WALKS[name]
    args = [world.objects[walk.pk]] if walk.pk else []
    return reverse(name, args=args, query=walk.query)


def show(world, address: str, **headers):
    answer = world.ask(ADMINISTRATOR, "GET", address)
    while answer.status_code == 302:
        answer = world.ask(ADMINISTRATOR, "GET", answer["Location"])
    return answer


def links(answer) -> list[str]:
    """Where the links of a page's own part lead; the tree and the header are the same everywhere."""
    text = answer.content.decode()
    main = MAIN.search(text)
    return [unescape(href) for href in HREF.findall(main[0] if main else text)]


def goes_with(address: str) -> str:
    return parse_qs(urlsplit(address).query).get(LIST, [""])[0]


def behind(answer, kept: str) -> dict[str, str]:
    """{path: address} of the pages that a page leads on to with its list."""
    return {urlsplit(href).path: href for href in links(answer) if goes_with(href) == kept}


def has_filter_or_pages(answer) -> bool:
    return not answer.streaming and re.search(rb'class="(filters|pages)"', answer.content) is not None


@pytest.mark.long
def test_every_list_that_can_be_filtered_or_paged_is_walked(world):
    filtered = {name for name, declared in ADDRESSES.items() for request in declared
                if request.method == "GET" and request.need in ("view", "users", "read_messages")
                for address in world.addresses(name, request)
                if has_filter_or_pages(world.ask(ADMINISTRATOR, "GET", address))}
    # A Pair page and an editor have lists within them; the lines of a log are chosen by their file.
    assert filtered - {"pair-detail", "pair-part", "application-server-log"} == LISTS == WALKS.keys()


@pytest.mark.parametrize("name", sorted(WALKS))
def test_every_way_from_a_list_leads_back_to_it_as_it_was(world, name):
    address = left(world, name)
    page = show(world, address)
    found = behind(page, address)
    assert not re.search(r",\s+in all", page.text), "the foot says how many there are"
    assert {*WALKS[name].behind} <= {resolve(path).url_name for path in found}
    for onward in found.values():
        behind_it = show(world, onward)
        back = [href for href in links(behind_it) if urlsplit(href).path == urlsplit(address).path]
        assert behind_it.status_code == 200, onward
        assert address in back, (onward, back)
        assert all(urlsplit(href).query for href in back), (onward, back)


@pytest.mark.parametrize("name", sorted(WALKS))
def test_pages_further_behind_know_it_too(world, name):
    """Edit, Delete, Restore, Compare: whatever a page behind the list leads to of its own kind."""
    address = left(world, name)
    for onward in behind(show(world, address), address).values():
        further = behind(show(world, onward), address)
        for again in further.values():
            answer = show(world, again)
            assert (answer.status_code == 200 and address in links(answer)) or behind(answer, address), again


def location(answer) -> str:
    return answer.get("HX-Redirect") or answer.get("Location") or ""


@pytest.fixture
def ada(client, administrator, broker):
    return client


FILTERED = reverse("application-list", query={"q": "ms_", "status": "Stopped", "page": "2"})


def test_save_and_close_goes_back_to_the_page_of_the_list(ada):
    row = factories.make_application("MS_1", host=factories.make_host(), ports={"default": 7001})
    address = reverse("application-edit", args=[row.pk], query={LIST: FILTERED})
    answer = ada.post(address, form_of(row, description="Changed.", after="close"))
    assert location(answer) == f"{FILTERED}&saved={row.pk}"
    stays = ada.post(address, form_of(row.__class__.objects.get(pk=row.pk), description="More.", after="stay"))
    assert goes_with(location(stays)) == FILTERED
    anew = ada.post(address, form_of(row.__class__.objects.get(pk=row.pk), description="Anew.", after="new"))
    assert goes_with(location(anew)) == FILTERED
    assert "template=" in location(anew)


def test_an_editor_that_was_opened_from_the_events_goes_back_to_them(ada):
    row = factories.make_application("MS_1", host=factories.make_host(), ports={"default": 7001})
    events = reverse("event-list", query={"application": "MS_1"})
    address = reverse("application-edit", args=[row.pk], query={LIST: events})
    page = ada.get(address).content.decode()
    assert f'id="cancel"\n      href="{events}"' in page
    assert "Back to Events" in page
    assert f'<a href="{reverse("application-list")}">Applications</a>' in page
    assert location(ada.post(address, form_of(row, description="Changed.", after="close"))) == events


def test_deleting_in_the_editor_goes_back_to_the_list(ada):
    row = factories.make_application("MS_1", host=factories.make_host(), ports={"default": 7001})
    editor = reverse("application-edit", args=[row.pk], query={LIST: FILTERED})
    headers = script() | {"HX-Current-URL": f"http://testserver{editor}"}
    question = ada.get(reverse("application-delete", args=[row.pk], query={"leave": "1"}), headers=headers)
    following = unescape(re.search(r'name="next" value="([^"]*)"', question.content.decode())[1])
    assert following == FILTERED
    answer = ada.post(reverse("application-action"), {"verb": "delete", "ids": row.pk, "confirmed": "1", "leave": "1",
                                                      "next": following}, headers=headers)
    assert location(answer) == FILTERED


DELETED = [("host-list", "host-delete", lambda: factories.make_host()),
           ("template-list", "template-delete", lambda: factories.make_template("Unused")),
           ("package-list", "package-delete", lambda: factories.make_package())]


@pytest.mark.parametrize(("name", "verb", "make"), DELETED, ids=[name for name, *_ in DELETED])
@pytest.mark.parametrize("by_script", [True, False])
def test_deleting_a_row_goes_back_to_the_list(ada, name, verb, make, by_script):
    kept, row = reverse(name, query={"text": "a", "page": "2"}), make()
    address = reverse(verb, args=[row.pk])
    if by_script:
        page = reverse(name.replace("list", "detail"), args=[row.pk], query={LIST: kept})
        answer = ada.post(address, headers=script() | {"HX-Current-URL": f"http://testserver{page}"})
    else:
        answer = ada.post(f"{address}?{LIST}={kept.replace('?', '%3F').replace('&', '%26')}")
    assert location(answer) == kept


def test_saving_a_host_keeps_the_list_for_its_page(ada):
    kept, row = reverse("host-list", query={"text": "ost"}), factories.make_host()
    answer = ada.post(reverse("host-edit", args=[row.pk], query={LIST: kept}),
                      {"name": row.name, "ip_address": row.ip_address, "os_type": "Linux", "lca_port": "4999",
                       "enabled": "on", "revision": row.revision})
    assert goes_with(location(answer)) == kept, answer.content.decode()[-3000:]


def test_new_beside_rows_that_a_script_filtered_knows_the_filter(ada):
    """The toolbar was drawn before somebody typed into the filter."""
    page = ada.get(reverse("application-new"), headers={"Referer": f"http://testserver{FILTERED}"})
    assert f'action="{reverse("application-new", query={LIST: FILTERED})}"' in page.content.decode()
    other = ada.get(reverse("application-new"), headers={
        "Referer": f"http://testserver{reverse('host-new')}?{LIST}={FILTERED}"}).content.decode()
    assert f'action="{reverse("application-new")}"' in other


def test_two_tabs_keep_what_each_has(ada):
    row = factories.make_application("MS_1", host=factories.make_host(), ports={"default": 7001})
    tabs = [reverse("application-list", query={"q": text}) for text in ("ms", "1")]
    pages = [next(href for href in links(ada.get(tab)) if urlsplit(href).path.endswith(f"/{row.pk}/")) for tab in tabs]
    assert [goes_with(page) for page in pages] == tabs
    assert [f'href="{tab}&amp;saved={row.pk}"' in ada.get(page).content.decode()
            for tab, page in zip(tabs, pages, strict=True)] == [True, True]


@pytest.mark.parametrize("evil", [
    "https://evil.example/", "//evil.example/?q=a", "javascript:alert(1)", "/login/?next=/evil/", "/account/?q=a",
    "\\\\evil.example/?q=1", "http://[evil/?q=a", "/" + "a" * 9000, "/provisioning/environment/applications/../?q=a",
])
def test_only_a_list_is_gone_back_to(ada, evil):
    row = factories.make_application("MS_1", host=factories.make_host(), ports={"default": 7001})
    address = reverse("application-edit", args=[row.pk], query={LIST: evil})
    assert "evil" not in " ".join(links(ada.get(address)))
    answer = ada.post(address, form_of(row, description="Changed.", after="close"))
    assert location(answer) == f"{reverse('application-list')}?saved={row.pk}"


def test_a_list_of_another_machine_is_the_same_list_here(ada):
    page = ada.get(reverse("application-new", query={LIST: f"https://evil.example{reverse('host-list')}?text=a"}))
    assert "evil" not in " ".join(links(page))
    assert reverse("host-list", query={"text": "a"}) in links(page)


def test_nothing_of_it_is_stored(ada):
    before = ada.session.keys()
    ada.get(FILTERED)
    ada.get(reverse("application-new", query={LIST: FILTERED}))
    assert ada.session.keys() == before


def test_signing_in_comes_back_to_the_page_and_its_list():
    address = reverse("application-new", query={LIST: FILTERED})
    asked = urlsplit(Client().get(address)["Location"])
    assert parse_qs(asked.query) == {"next": [address]}
