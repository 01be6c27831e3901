"""Waivers: what they need, how long they count, how they are withdrawn."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import HistoryEntry, PairAudit, Waiver
from tests.html import flat

from .pages import audit, change, found, sheet, waive

pytestmark = pytest.mark.django_db


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
