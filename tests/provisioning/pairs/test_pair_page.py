"""The Pair page: what is going on, proven roles, the timeline, whether failover would work."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from control.narration import PairEvent
from protocol.events import Own
from protocol.messages import PairAnswer
from provisioning.core.events import OF_PAIR
from provisioning.models import Event, PairState, RuntimeStatus
from provisioning.pairs.selectors.page import EVENT_GRANTED
from tests import factories
from tests.html import flat
from tests.provisioning.posted import script
from tests.sources import ROOT

from .pages import detail, part, text_of

pytestmark = pytest.mark.django_db
MEMBERS = [{"name": "MS_Primary", "connected": True, "role": "primary", "epoch": 3, "accepts": True, "took_ms": 4.0},
           {"name": "MS_Backup", "connected": True, "role": "backup", "epoch": 3, "reason": "it stands by"}]


# --- the page


def test_the_page_says_what_is_going_on_and_shows_both_members(support, pair):
    primary, backup = pair
    answer = support.get(detail(primary))
    text = text_of(answer)
    assert "MS_Primary serves; MS_Backup has every message and takes over if MS_Primary fails." in text
    assert "MS_Primary was granted the role." in text
    for card in answer.context["pair"].cards:
        assert card.facts.name in text
    assert [card.assigned for card in answer.context["pair"].cards] == ["Primary", "Backup"]
    assert f'id="proven-{backup.pk}" hx-preserve' in answer.content.decode()


def test_a_backup_leads_to_the_page_of_its_primary(support, pair):
    primary, backup = pair
    assert support.get(detail(backup)).url == detail(primary)


def test_what_is_no_server_has_no_pair_page(support):
    client = factories.make_application("Desk", template=factories.make_template("Client", type="GenericClient"))
    assert support.get(detail(client)).status_code == 404


def test_roles_that_disagree_are_marked(support, pair):
    RuntimeStatus.objects.filter(application=pair[1]).update(mode="Primary")
    assert "not as assigned" in text_of(support.get(detail(pair[0])))


def test_copies_that_differ_and_records_put_aside_are_told(support, pair):
    RuntimeStatus.objects.filter(application=pair[1]).update(common_digest="other", discarded=7)
    text = text_of(support.get(part(pair[0], "cards")))
    assert "not equal" in text
    assert "Copies differ" in text
    assert f"7 records of a divergent tail, in {pair[1].working_directory}/data/discarded-….jsonl" in text


def test_every_part_of_the_page_can_be_asked_for_alone(support, pair):
    for name in ("head", "cards", "failover", "guide", "compare", "timeline"):
        answer = support.get(part(pair[0], name), headers=script(f"pair-{name}"))
        assert answer.status_code == 200
        assert f'id="pair-{name}"' in answer.content.decode()
        assert "<html" not in answer.content.decode()
    assert support.get(part(pair[0], "nothing")).status_code == 404


def test_the_parts_cost_the_same_however_many_pairs_there_are(support, pair, django_assert_max_num_queries):
    with django_assert_max_num_queries(16):
        support.get(part(pair[0], "cards"))


# --- proven roles


def test_a_probe_shows_what_was_proven_and_when(support, pair, control):
    control.answers["probe"] = PairAnswer(ok=True, facts={"members": MEMBERS})
    body = support.get(reverse("pair-probe", args=[pair[0].pk])).content.decode()
    assert body.count('hx-swap-oob="innerHTML"') == 4
    assert body.count("data-proven-at") == 2
    assert "A write was accepted and made durable in 4 ms." in body
    assert [request.verb for request in control.requests] == ["probe"]


def test_nothing_is_proven_while_control_does_not_answer(support, pair, no_control):
    body = support.get(reverse("pair-probe", args=[pair[0].pk])).content.decode()
    assert body.count("Not proven") == 2
    assert "chip-ok" not in body
    assert "Start control" in body


def test_without_scripts_a_link_proves_the_roles(support, pair, control):
    control.answers["probe"] = PairAnswer(ok=True, facts={"members": MEMBERS})
    assert '<a class="no-script" hidden href="?probe=1">' in support.get(detail(pair[0])).content.decode()
    assert support.get(detail(pair[0]) + "?probe=1").content.decode().count("data-proven-at") == 2


# --- the timeline


@pytest.fixture
def told(pair):
    primary, backup = pair
    now = timezone.now()

    def tell(row, number, text, ago):
        return Event.objects.create(application=row, number=number, text=text, at=now - timedelta(seconds=ago))

    tell(primary, 20100, "Granted primary in epoch 1.", 90)
    for row in pair:
        tell(row, 20102, "MS_Backup is the active server in epoch 2: MS_Primary has ended.", 60)
    tell(backup, 20100, "Granted primary in epoch 2.", 59)
    tell(primary, 5024, "The process ended unexpectedly.", 61)


def test_the_timeline_tells_role_changes_once_newest_first(support, pair, told):
    events = support.get(detail(pair[0])).context["pair"].timeline
    assert [(event.number, event.of_pair) for event in events] == [(20100, False), (20102, True), (20100, False)]


def test_the_timeline_knows_every_number_that_control_tells_of_a_pair():
    told = set()
    for path in (ROOT / "control").glob("*.py"):
        for call in re.findall(r"_?tell\((?:members|\[live\]), (?:Own|PairEvent)\.([A-Z_]+)", path.read_text()):
            told.add(getattr(Own, call, None) or PairEvent[call])
    assert told <= {*OF_PAIR, EVENT_GRANTED}
    assert set(PairEvent) <= set(OF_PAIR)


def test_the_timeline_can_tell_everything(support, pair, told):
    events = support.get(detail(pair[0]) + "?events=all").context["pair"].timeline
    assert [event.number for event in events] == [20100, 20102, 5024, 20100]


def test_the_timeline_has_pages(support, pair):
    Event.objects.bulk_create(Event(application=pair[0], number=20102, at=timezone.now(), text=f"change {n}")
                              for n in range(25))
    short = flat(support.get(detail(pair[0])))
    assert "change 24" in short
    assert "change 18" not in short
    assert "The newest 6 of 25 are shown." in short
    body = flat(support.get(detail(pair[0]) + "?page=1"))
    assert "Page 1 of 2" in body
    assert "change 24" in body
    assert "change 0" in support.get(detail(pair[0]) + "?page=2").content.decode()
    assert "change 0" in support.get(part(pair[0], "timeline") + "?page=2").content.decode()


# --- would failover work now


def ask(client, row):
    return client.get(reverse("pair-probe", args=[row.pk])).content.decode()


def test_the_probe_answers_whether_failover_would_work(support, pair, control):
    control.answers["probe"] = PairAnswer(ok=True, facts={"members": MEMBERS})
    assert "Yes: failover would work now." in ask(support, pair[0])


def test_what_failover_misses_is_listed_with_what_mends_it(operator, pair, control):
    PairState.objects.update(automatic_failover=False, paused_by="otto")
    control.answers["probe"] = PairAnswer(ok=True, facts={"members": MEMBERS})
    body = ask(operator, pair[0])
    assert "No: 1 condition does not hold." in body
    assert "Automatic failover is paused by otto." in body
    assert f'hx-get="{reverse("pair-resume", args=[pair[0].pk])}"' in body


def test_before_a_probe_the_page_claims_nothing(support, pair):
    text = text_of(support.get(part(pair[0], "failover")))
    assert "Not checked yet." in text
    assert "Yes" not in text
