"""What was changed and done about a pair, as one stream."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.history import history
from provisioning.models import Event, Job
from provisioning.pairs.rules.changes import CONFIGURATION, EVENT, JOB, Change, Place, merged, place_of
from provisioning.pairs.selectors.changes import all_changes_of, changes_of
from provisioning.states import JobState
from tests import factories
from tests.html import flat

AT = datetime(2026, 11, 30, 1, 2, 3, 456_789, tzinfo=UTC)


def change(at, key, kind=EVENT):
    return Change(kind, at, "", "", "", place_of(kind, at, key))


def test_streams_are_merged_newest_first_and_of_one_moment_in_one_order():
    later, entry, event = change(AT + timedelta(seconds=1), 1), change(AT, 7, CONFIGURATION), change(AT, 9)
    assert merged([[later, event], [entry]], 9) == [later, entry, event]
    assert merged([[later, event], [entry]], 1) == [later]


def test_a_place_is_read_as_it_was_written():
    job = Job(created_at=AT)
    for place in (place_of(EVENT, AT, 12), place_of(JOB, AT, job.pk)):
        assert Place.read(str(place)) == place
        assert place.moment == AT


@pytest.mark.parametrize("text", ["", "1-2", "1-9-3", "x-0-1", "1-0-1-1", "1-0-²", "1-1-12", "9" * 30 + "-0-1",
                                  "1-0-abc", "-1-0-1", "1-2-" + "9" * 19])
def test_no_other_place_is_taken(text):
    assert Place.read(text) is None


@pytest.mark.django_db
class TestOfAPair:
    @pytest.fixture(autouse=True)
    def _told(self, pair):
        self.pair, now = list(pair), timezone.now()
        primary, backup = pair
        Event.objects.create(at=now - timedelta(hours=5), number=Own.ROLE_CHANGED, application=primary,
                             text="MS_Backup is the active server.")
        Event.objects.create(at=now - timedelta(hours=5), number=Own.ROLE_CHANGED, application=backup,
                             text="MS_Backup is the active server.")
        Event.objects.create(at=now - timedelta(hours=4), level="alarm", application=backup, text="It ended.")
        Event.objects.create(at=now - timedelta(hours=4), application=backup, text="Said as always.")
        job = factories.make_job(backup, state=JobState.FAILED)
        Job.objects.filter(pk=job.pk).update(created_at=now - timedelta(hours=3), reason="No way", created_by="ben")
        self._save(primary)
        factories.make_job(factories.make_application("Other"), state=JobState.FAILED)

    @staticmethod
    def _save(row):
        before = history.snapshot(row)
        history.record(actor=factories.ADMINISTRATOR, row=row, before=before | {"description": "Old"}, after=before,
                       reason="For order.")

    def page(self, client, **query):
        return client.get(reverse("pair-changes", args=[self.pair[0].pk], query=query))

    def test_all_of_both_members_is_told_once_newest_first(self):
        rows = changes_of(self.pair).rows
        assert [(row.kind, row.about) for row in rows] == [
            (CONFIGURATION, "MS_Primary"), (JOB, "MS_Backup"), (EVENT, "MS_Backup"), (EVENT, "Pair")]
        assert rows[0].text == "Changed: Description. For order."
        assert (rows[1].who, rows[1].text) == ("ben", "Start: failed. No way.")

    @pytest.mark.parametrize("most", [1, 2, 3, 4])
    def test_batches_give_what_all_at_once_gives(self, most):
        whole = changes_of(self.pair).rows
        assert list(all_changes_of(self.pair, most=100, at_once=most)) == whole

    def test_what_happened_in_one_moment_is_neither_lost_nor_told_twice(self):
        Event.objects.filter(level="alarm").update(at=AT)
        for each in range(3):
            Event.objects.create(at=AT, level="alarm", application=self.pair[each % 2], text=str(each))
            job = factories.make_job(self.pair[each % 2], state=JobState.FAILED)
            Job.objects.filter(pk=job.pk).update(created_at=AT)
        found = list(all_changes_of(self.pair, most=100, at_once=1))
        assert found == changes_of(self.pair).rows
        assert len(found) == 10

    def test_the_costs_do_not_grow_with_the_depth(self, django_assert_num_queries):
        place = changes_of(self.pair, most=2).next
        with django_assert_num_queries(6):
            assert len(changes_of(self.pair, before=place).rows) == 2

    def test_the_page_leads_to_entries_and_jobs(self, support):
        page = self.page(support)
        text = page.content.decode()
        entry, job = (row.link[1] for row in page.context["page"] if row.link)
        assert reverse("history-entry", args=[entry]) in text
        assert reverse("job-detail", args=[job]) in text
        assert "42-20102" in text

    @pytest.mark.parametrize(("query", "kinds"), [
        ({"kind": "job"}, [JOB]), ({"kind": "configuration"}, [CONFIGURATION]), ({"kind": "event"}, [EVENT, EVENT]),
        ({"time": "hour"}, [CONFIGURATION]), ({"time": "failover"}, [CONFIGURATION, JOB, EVENT, EVENT]),
        ({"kind": "never"}, [CONFIGURATION, JOB, EVENT, EVENT])])
    def test_filters(self, support, query, kinds):
        assert [row.kind for row in self.page(support, **query).context["page"]] == kinds

    def test_files_hold_what_the_filter_finds(self, support):
        address = reverse("pair-changes-export", args=[self.pair[0].pk, "json"], query={"kind": "job"})
        found = json.loads(support.get(address).getvalue())
        [change] = found["changes"]
        assert (change["who"], change["kind"], change["object"]) == ("ben", "job", "MS_Backup")

    def test_of_a_backup_there_is_no_such_page(self, support):
        assert support.get(reverse("pair-changes", args=[self.pair[1].pk])).status_code == 404


@pytest.mark.django_db
def test_where_nothing_was_changed_it_says_what_is_told(support):
    row = factories.make_application("MS_1")
    assert "Nothing was changed or done yet." in flat(support.get(reverse("pair-changes", args=[row.pk])))
    assert "pair-changes" in support.get(reverse("pair-detail", args=[row.pk])).content.decode()
