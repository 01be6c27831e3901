"""Saved searches of Centralized Log, Events and History."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from provisioning.core.permissions import Actor
from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.models import HistoryEntry, SavedSearch
from provisioning.searches import services
from provisioning.searches.facts import FILTERS, query_of
from provisioning.searches.selectors import searches
from provisioning.states import Role
from tests import factories
from tests.html import flat
from tests.provisioning.posted import script

pytestmark = pytest.mark.django_db
EVENTS = "event-list"


def person(name: str, role: str = Role.SUPPORT) -> Actor:
    user = factories.make_user(name, roles=(role,))
    return Actor(name=name, user_id=user.pk, roles=frozenset({str(role)}), origin="test")


def save(actor, name="Lost", query="text=lost", **more):
    return services.save_search(actor=actor, list_name=more.pop("list_name", EVENTS), name=name, query=query, **more)


def names(actor, list_name=EVENTS):
    return [row.name for row in searches(actor, list_name)]


@pytest.mark.parametrize(("query", "kept"), [
    ("text=lost&level=alarm&time=week", "text=lost&time=week&level=alarm"),
    ("text=lost&page=3&size=200&before=1-2&list=%2Fevil&next=http%3A%2F%2Fevil", "text=lost"),
    ("level=never&time=x&number=rubbish&since=soon", ""), ("number=00-05064", "number=00-05064"),
    ("text=%26a%3Db%3Cscript%3E", "text=%26a%3Db%3Cscript%3E"), ("text=" + "a" * 5000, ""), ("", "")])
def test_of_an_address_the_valid_fields_of_the_filter_are_kept(query, kept):
    assert query_of(EVENTS, query) == kept
    assert query_of(EVENTS, kept) == kept


@pytest.mark.parametrize("list_name", FILTERS)
def test_each_list_keeps_its_own_fields_and_shows_its_searches(list_name, administrator):
    actor = Actor(name="ada", user_id=User.objects.get().pk, roles=frozenset({str(Role.ADMINISTRATOR)}))
    row = save(actor, list_name=list_name, query="text=lost&time=day")
    page = administrator.get(reverse(list_name), {"text": "lost", "time": "day"})
    assert row.query == "text=lost&time=day"
    assert f'href="{reverse(list_name)}?text=lost&amp;time=day"' in flat(page)


def test_everybody_sees_their_own_and_what_is_shared():
    ada, ben = person("ada", Role.ADMINISTRATOR), person("ben")
    save(ada, "Shared", shared=True)
    save(ada, "Of Ada")
    save(ben, "Of Ben")
    save(ben, "Elsewhere", list_name="history")
    assert (names(ada), names(ben)) == (["Of Ada", "Shared"], ["Of Ben", "Shared"])


def test_only_administrators_share_and_history_tells_of_what_is_shared():
    ada, ben = person("ada", Role.ADMINISTRATOR), person("ben")
    with pytest.raises(NotAllowed, match="Your role does not let you share saved searches"):
        save(ben, shared=True)
    save(ben)
    assert not HistoryEntry.objects.filter(object_type="saved_search").exists()
    services.delete_search(actor=ada, search_id=save(ada, shared=True).pk)
    assert [row.action for row in HistoryEntry.objects.filter(object_type="saved_search")] == ["deleted", "created"]


def test_what_is_somebody_elses_is_not_there_and_what_is_shared_is_for_administrators_to_delete():
    ada, eve, ben = person("ada", Role.ADMINISTRATOR), person("eve", Role.ADMINISTRATOR), person("ben")
    own, shared = save(ada), save(ada, "Shared", shared=True)
    for actor, row, why in ((eve, own, NotFound), (ben, own, NotFound), (ben, shared, NotAllowed)):
        with pytest.raises(why):
            services.delete_search(actor=actor, search_id=row.pk)
    services.delete_search(actor=eve, search_id=shared.pk)
    assert names(ada) == ["Lost"]


@pytest.mark.parametrize(("name", "query", "why"), [
    ("", "text=lost", "Write a name."), ("Lost", "text=lost", "You have a search called Lost here."),
    ("New", "page=2", "Nothing is filtered"), ("a\nb", "text=lost", "control character"),
    ("a" * 65, "text=lost", "64 fit")])
def test_what_cannot_be_saved_is_refused_with_a_sentence(name, query, why):
    ben = person("ben")
    save(ben)
    with pytest.raises(Refused, match=why):
        save(ben, name, query)
    assert names(ben) == ["Lost"]


def test_a_person_has_a_bounded_number_and_the_same_name_in_another_list(monkeypatch):
    monkeypatch.setattr(services, "MOST", 2)
    ben = person("ben")
    save(ben)
    save(ben, list_name="history")
    with pytest.raises(Refused, match="no more are kept"):
        save(ben, "Third")
    save(person("ada"), "Third")


def test_the_dialog_takes_what_a_script_has_filtered_since_the_page_was_sent(support):
    address = reverse("search-new", args=[EVENTS])
    shown = f"http://testserver{reverse(EVENTS)}?text=found&page=2"
    page = support.get(f"{address}?text=old", headers={**script(), "HX-Current-URL": shown})
    assert page.context["form"].initial["query"] == "text=found"
    assert support.get(f"{address}?text=old").context["form"].initial["query"] == "text=old"
    assert "For everybody" not in flat(page)
    assert "there is nothing to save" in flat(support.get(address))


def test_saved_and_deleted_on_the_page(support):
    answer = support.post(reverse("search-new", args=[EVENTS]), {"name": "Lost", "query": "text=lost&x=1"})
    row = SavedSearch.objects.get()
    assert (answer.status_code, answer["Location"], row.query) == (302, f"{reverse(EVENTS)}?text=lost", "text=lost")
    again = support.post(reverse("search-new", args=[EVENTS]), {"name": "Lost", "query": "text=lost"}, headers=script())
    assert again.status_code == 422
    assert "You have a search called Lost here." in flat(again)
    address = reverse("search-delete", args=[row.pk])
    assert "Delete the search Lost?" in flat(support.get(address, headers=script()))
    assert f'hx-get="{address}"' in flat(support.get(reverse(EVENTS)))
    assert SavedSearch.objects.count() == 1
    answer = support.post(address)
    assert (answer["Location"], SavedSearch.objects.count()) == (reverse(EVENTS), 0)


def test_other_lists_have_none(support):
    assert support.get(reverse("search-new", args=["job-list"])).status_code == 404
