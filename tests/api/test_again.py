"""What becomes of a request with an Idempotency-Key that was not answered well, and how many are kept."""

import pytest
from django.db import OperationalError

from api import pair_verbs, repeats
from provisioning.accounts.rules.tokens import Draft
from provisioning.accounts.services.tokens import make_token, revoke_token
from provisioning.core.permissions import Actor
from provisioning.errors import Refused, Unanswered
from provisioning.models import KeptAnswer
from provisioning.repeats import services
from provisioning.states import Role
from tests.api.conftest import Program

pytestmark = pytest.mark.django_db


def failing(error, done):
    def work(**_):
        done.append(error)
        raise error

    return work


@pytest.mark.parametrize(("error", "first"), [
    (Unanswered("Control did not answer."), 503), (RuntimeError("a fault"), 500)])
def test_what_nobody_knows_whether_it_was_done_is_not_done_again(admin, pair, monkeypatch, error, first):
    done = []
    monkeypatch.setattr(pair_verbs.services, "switch_over", failing(error, done))
    answers = [admin("POST", "/pairs/MS_Primary/switch-over", {}, Idempotency_Key="one") for _ in range(3)]
    assert [each.status_code for each in answers] == [first, 409, 409]
    assert "nobody knows whether it was done" in answers[1].json()["detail"]
    assert "Retry-After" not in answers[1].headers
    assert len(done) == 1


def locked(*_, **__):
    raise OperationalError("database is locked")


def test_what_was_done_is_answered_as_done_though_its_answer_cannot_be_kept(support, monkeypatch):
    monkeypatch.setattr(services, "keep", locked)
    search = {"list": "event-list", "name": "mine", "query": "text=lost"}
    answers = [support("POST", "/searches", search, Idempotency_Key="one") for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 409], "the second one may not do it again"


@pytest.mark.parametrize(("error", "noted"), [(Refused("Not now."), "give_up"), (RuntimeError("a fault"), "lose")])
def test_what_was_not_done_is_answered_as_that_though_it_cannot_be_noted(admin, pair, monkeypatch, error, noted):
    monkeypatch.setattr(pair_verbs.services, "switch_over", failing(error, []))
    monkeypatch.setattr(services, noted, locked)
    answer = admin("POST", "/pairs/MS_Primary/switch-over", {}, Idempotency_Key="one")
    assert answer.status_code == {"give_up": 409, "lose": 500}[noted]
    assert "locked" not in answer.json()["detail"]


def test_a_token_with_the_name_of_a_revoked_one_gets_none_of_its_answers(support):
    search = {"list": "event-list", "name": "mine", "query": "text=lost"}
    assert support("POST", "/searches", search, Idempotency_Key="one").status_code == 201
    actor = Actor(name="sue", user_id=support.owner.pk, roles=frozenset({Role.SUPPORT}))
    revoke_token(actor=actor, token_id=support.owner.api_tokens.get().pk)
    support.token = make_token(actor=actor, owner=support.owner,
                               draft=Draft(name="ci", roles=(Role.SUPPORT,), days=1))[1]
    again = support("POST", "/searches", {**search, "name": "another"}, Idempotency_Key="one")
    assert (again.status_code, repeats.REPEATED in again) == (201, False), again.content


def test_what_was_refused_is_tried_again(admin, pair, monkeypatch):
    done = []
    monkeypatch.setattr(pair_verbs.services, "switch_over", failing(Refused("Not now."), done))
    for _ in range(2):
        assert admin("POST", "/pairs/MS_Primary/switch-over", {}, Idempotency_Key="one").status_code == 409
    assert len(done) == 2
    assert not KeptAnswer.objects.exists()


def test_one_program_fills_the_database_with_so_many_answers_and_keeps_out_no_other_one(support, monkeypatch):
    monkeypatch.setattr(services, "KEPT_MOST", 2)
    search = {"list": "event-list", "query": "text=lost"}
    answers = [support("POST", "/searches", {**search, "name": f"s{number}"}, Idempotency_Key=str(number))
               for number in (1, 2, 3, 1)]
    assert [each.status_code for each in answers] == [201, 201, 429, 201]
    assert answers[2]["Retry-After"]
    assert answers[3][repeats.REPEATED] == "true"
    other = Program(Role.SUPPORT, name="other")
    assert other("POST", "/searches", {**search, "name": "s4"}, Idempotency_Key="4").status_code == 201
    assert support("POST", "/searches", {**search, "name": "s5"}).status_code == 201
