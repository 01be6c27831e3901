"""The pages Restored Database, and how people come there."""


import pytest
from django.urls import reverse

from protocol.messages import PairAnswer
from provisioning.models import HistoryEntry, PairState
from provisioning.record.models import ControlBeat
from tests.html import flat

from .pages import text_of
from .test_restored import AWAY, NOTHING_LOST, REASON, asked, pair

__all__ = ["asked", "pair"]

pytestmark = pytest.mark.django_db


def here(row):
    return reverse("pair-restored", args=[row.pk])


def test_the_page_shows_what_each_has_and_what_would_be_lost(administrator, pair, asked):
    body = administrator.get(here(pair[0]))
    text = text_of(body)
    assert REASON in text
    assert "Nothing is decided about MS_Primary and MS_Backup until somebody says which server goes on." in text
    assert "Lost if MS_Backup goes on 50 records" in text
    assert "Lost if MS_Primary goes on 0 records" in text
    assert "First record 1 Last record 1,200 Epoch 3" in text
    # Only the choice that loses something asks for a name.
    assert text.count("Type its name") == 1
    assert "Type MS_Primary to accept that its records are given up." in text


def test_what_cannot_be_told_is_said_with_the_reason(administrator, pair, asked):
    asked.answers["record"] = AWAY
    text = text_of(administrator.get(here(pair[0])))
    assert "Lost if MS_Primary goes on cannot be told: MS_Backup is not connected, and what it has is not known" in text
    assert "MS_Backup is not connected to control, so it cannot go on. Start it first." in text


def test_a_member_that_loses_nothing_goes_on_by_one_press(administrator, pair, asked):
    answer = administrator.post(here(pair[0]), {"server": "MS_Primary", "reason": "the newer one is lost"})
    assert (answer.status_code, answer.url) == (302, reverse("pair-detail", args=[pair[0].pk]))
    assert "MS_Primary goes on." in text_of(administrator.get("/monitoring/"))
    assert HistoryEntry.objects.get().reason.startswith("Let MS_Primary go on")


def test_what_was_typed_wrongly_stays_where_it_was_typed(administrator, pair, asked):
    answer = administrator.post(here(pair[0]), {"server": "MS_Backup", "accept_data_loss": "MS_Bakup", "reason": "why"})
    assert answer.status_code == 422
    body = answer.content.decode()
    assert "type the name of the server whose records are given up: MS_Primary" in body
    assert body.count('value="MS_Bakup"') == body.count('value="why"') == 1
    assert [each.verb for each in asked.requests] == ["record", "record"]
    answer = administrator.post(here(pair[0]), {"server": "MS_Backup", "accept_data_loss": "MS_Primary"})
    assert answer.status_code == 302


def test_where_nothing_is_in_dispute_nothing_can_be_pressed(administrator, pair, asked):
    asked.answers["record"] = PairAnswer(ok=True, facts={**NOTHING_LOST.facts, "disputed": False})
    body = administrator.get(here(pair[0])).content.decode()
    assert "Nothing contradicts what control" in body
    assert "go on</button>" not in body


def test_who_may_not_accept_a_loss_sees_everything_and_why_he_cannot(operator, pair, asked):
    answer = operator.get(here(pair[0]))
    assert "50 records" in text_of(answer)
    assert 'title="Your role does not let you promote a standby' in answer.content.decode()
    assert operator.post(here(pair[0]), {"server": "MS_Primary"}).status_code == 403


def test_the_page_says_so_while_control_is_away(administrator, pair, no_control):
    text = text_of(administrator.get(here(pair[0])))
    assert "What the servers have is not known." in text
    assert "did not answer" in text


def test_a_backup_leads_to_the_page_of_its_primary(administrator, pair, asked):
    assert administrator.get(here(pair[1])).url == here(pair[0])


def test_everything_in_dispute_is_listed_and_records_in_doubt_can_be_made_to_count(administrator, pair, control):
    ControlBeat.objects.update(facts={"doubted": 3})
    answer = administrator.get(reverse("restored-list"))
    assert f'href="{here(pair[0])}">MS_Primary and MS_Backup</a>' in answer.content.decode()
    assert "3 records of control's database were last written before the older copy" in text_of(answer)
    control.answers["restored"] = PairAnswer(ok=True, reason="3 records are confirmed, 0 are left.")
    administrator.post(reverse("restored-list"))
    assert "3 records are confirmed" in text_of(administrator.get(reverse("restored-list")))
    PairState.objects.update(disputed=False)
    assert "Nothing is in dispute" in text_of(administrator.get(reverse("restored-list")))


def test_every_page_leads_there(support, pair):
    body = flat(support.get(reverse("history")))
    assert f'<a href="{here(pair[0])}">Restored Database of MS_Primary</a>' in body
    PairState.objects.update(disputed=False)
    assert "Restored Database" not in support.get(reverse("history")).content.decode()


def test_the_pair_page_says_so_in_its_first_sentence_and_leads_there(administrator, pair):
    answer = administrator.get(reverse("pair-detail", args=[pair[0].pk]))
    assert f'id="pair-restored" href="{here(pair[0])}"' in flat(answer)
    assert "Nothing is decided about MS_Primary and MS_Backup until somebody says which server goes on." in text_of(
        answer)
    why_not = answer.context["pair"].why_not
    assert all("Restored Database" in why_not[verb] for verb in ("switchover", "pause", "resume", "promote",
                                                                 "promote-active", "drill"))
    # To promote is no way out of this.
    assert 'id="pair-promote"' not in answer.content.decode()


def test_nobody_is_said_to_catch_up_while_the_record_is_in_dispute(administrator, pair):
    for page in (reverse("pair-detail", args=[pair[0].pk]), reverse("pair-list")):
        text = text_of(administrator.get(page))
        assert "In dispute" in text
        assert "Catching up" not in text
        assert "to go" not in text
