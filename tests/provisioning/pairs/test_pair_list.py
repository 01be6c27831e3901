"""The list of pairs."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import Application, RuntimeStatus
from provisioning.pairs.selectors.page import pair_list, pairs_in_order
from tests import factories
from tests.html import flat

from .pages import detail, part, text_of

pytestmark = pytest.mark.django_db


def test_the_list_of_pairs_has_trouble_first(support):
    factories.make_pair()
    _rename("A_")
    primary, _ = factories.make_pair(in_sync=False)
    RuntimeStatus.objects.filter(application=primary).update(status="Gave Up", mode="")
    page = support.get(reverse("pair-list"))
    assert [row.facts.primary.name for row in page.context["page"]] == ["MS_Primary", "A_Primary"]
    page = support.get(reverse("pair-list") + "?show=trouble")
    assert [row.facts.primary.name for row in page.context["page"]] == ["MS_Primary"]
    assert "1–1 of 1, 2 in all" in text_of(page)
    page = support.get(reverse("pair-list") + "?text=a_b")
    assert [row.facts.primary.name for row in page.context["page"]] == ["A_Primary"]


def test_the_lines_of_one_page_are_asked_for_alone_in_their_order(support, pair, django_assert_num_queries):
    primary, backup = pair
    body = flat(support.get(reverse("pair-list")))
    lines = re.search(r'<tbody id="pair-rows" data-live-topic="([^"]*)"[^>]* hx-get="([^"]*)"', body)
    assert lines[1].split() == [f"pair:{primary.pk}", f"application:{primary.pk}", f"application:{backup.pk}"]
    fragment = flat(support.get(lines[2].replace("&amp;", "&")))
    assert fragment.startswith('<tbody id="pair-rows"')
    assert "MS_Primary ⇄ MS_Backup" in fragment
    with django_assert_num_queries(2):
        found = pairs_in_order([backup.pk, 4711, primary.pk, primary.pk])
    assert [row.facts.primary.name for row in found] == ["MS_Primary"]


def test_an_empty_list_of_pairs_says_what_to_do(support):
    assert "There is no pair yet." in support.get(reverse("pair-list")).content.decode()


def _rename(prefix):
    for row in Application.objects.filter(name__startswith="MS_"):
        Application.objects.filter(pk=row.pk).update(name=row.name.replace("MS_", prefix))


def test_an_outage_is_first_and_says_since_when_and_what_is_not_set_up_is_last(support, broker):
    """Both members were stopped as asked: it is an outage all the same, and no pair that was never set up."""
    factories.make_pair(status="Stopped", record=False)
    _rename("A_")
    factories.make_pair(in_sync=False)
    _rename("B_")
    factories.make_pair()
    _rename("C_")
    primary, _ = factories.make_pair(status="Stopped")
    since = timezone.now() - timedelta(minutes=4)
    RuntimeStatus.objects.filter(application=primary).update(served_until=since)
    rows = support.get(reverse("pair-list")).context["page"]
    assert [row.facts.primary.name for row in rows] == ["MS_Primary", "B_Primary", "C_Primary", "A_Primary"]
    assert [row.headline.level for row in rows] == ["broken", "moving", "ok", "new"]
    for address in (reverse("pair-list"), reverse("monitoring"), detail(primary), part(primary, "head")):
        text = text_of(support.get(address))
        assert "Nobody serves: MS_Primary is Stopped and MS_Backup is Stopped." in text
        assert "4 min ago" in text
    text = text_of(support.get(reverse("monitoring")))
    assert text.index("Nobody serves") < text.index("Applications 8")
    assert "since" in text_of(support.get(detail(primary)))


def test_the_list_of_pairs_takes_the_same_queries_for_any_number(django_assert_num_queries):
    factories.make_pair()
    with django_assert_num_queries(1):
        pair_list()
    Application.objects.filter(name="MS_Primary").update(name="P2")
    Application.objects.filter(name="MS_Backup").update(name="B2")
    factories.make_pair()
    with django_assert_num_queries(1):
        assert len(pair_list()) == 2


@pytest.mark.parametrize("change", [
    {}, {"status": "Stopped"}, {"mode": "Primary"}, {"heard_at": None}, {"mode": ""}, {"first_seq": 9},
    {"first_seq": 2}, {"common_digest": "other"}, {"common_digest": "other", "common_seq": 7}], ids=str)
@pytest.mark.parametrize("of", [0, 1])
@pytest.mark.parametrize("state", [{}, {"in_sync": False}, {"automatic_failover": False}, {"record": False},
                                   {"disputed": True}], ids=str)
def test_a_pair_is_well_in_the_list_only_when_its_headline_says_so(state, of, change):
    members = factories.make_pair(**state)
    RuntimeStatus.objects.update(first_seq=5)
    RuntimeStatus.objects.filter(application=members[of]).update(**change)
    [row] = pair_list()
    [read] = pairs_in_order([members[0].pk])
    assert row.headline == read.headline
    assert len(pair_list(show="trouble")) == (read.headline.level != "ok")


def test_pairs_that_are_well_come_last_by_name_and_are_read_when_they_are_looked_at(django_assert_num_queries):
    for name in ("b", "A", "c"):
        factories.make_pair()
        Application.objects.filter(name="MS_Primary").update(name=name)
        Application.objects.filter(name="MS_Backup").update(name=f"{name} backup")
    RuntimeStatus.objects.filter(application__name="c").update(status="Stopped", mode="")
    found = pair_list()
    assert [row.facts.primary.name for row in found[0:3]] == ["c", "A", "b"]
    assert found[-1].facts.primary.name == "b"
    with django_assert_num_queries(2):
        assert len(found[1:3]) == 2
