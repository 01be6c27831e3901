"""Both members of a pair beside each other, Synchronize, and differences that are intended."""

import re

import pytest
from django.urls import reverse

from provisioning.models import Application, Option, PairException
from tests import factories
from tests.provisioning.posted import script

from .pages import detail, part, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def differing(pair):
    primary, backup = pair
    for row, days in ((primary, "14"), (backup, "7")):
        Option.objects.create(application=row, section="messages", key="retention-days", value=days)
    return pair


def revisions(answer):
    return re.findall(r'name="revisions" value="(\d+)"', answer.content.decode())


def test_differences_are_shown_beside_each_other(support, differing):
    answer = support.get(part(differing[0], "compare"))
    rows = {row.what: row for row, _ in answer.context["pair"].compared}
    assert rows["options.messages.retention-days"].state == "differs"
    assert rows["ports.default.port"].reason == "Each member has port numbers of its own."
    assert "1 difference" in text_of(answer)
    assert 'id="pair-synchronize"' in answer.content.decode()
    assert 'aria-disabled="true" title="Your role does not let you create, change' in answer.content.decode()


def test_synchronize_shows_the_plan_and_copies_it(administrator, differing):
    primary, backup = differing
    address = reverse("pair-synchronize", args=[primary.pk])
    plan = administrator.get(address, headers=script())
    assert "1 value of MS_Primary is copied to MS_Backup:" in text_of(plan)
    answer = administrator.post(address, {"revisions": revisions(plan)}, headers=script())
    assert "MS_Backup is synchronized with MS_Primary." in answer.content.decode()
    assert backup.options.get().value == "14"
    assert "Nothing differs that should not" in text_of(administrator.get(part(primary, "compare")))


def test_a_plan_that_is_old_is_not_carried_out_and_the_new_one_is_shown(administrator, differing):
    primary, backup = differing
    address = reverse("pair-synchronize", args=[primary.pk])
    shown = revisions(administrator.get(address))
    Application.objects.filter(pk=primary.pk).update(revision=9, changed_by="otto")
    answer = administrator.post(address, {"revisions": shown}, headers=script())
    assert answer.status_code == 422
    assert "was saved by otto after this plan was made" in text_of(answer)
    assert backup.options.get().value == "7"


def test_a_difference_is_declared_and_taken_back(administrator, differing):
    primary, _ = differing
    address = reverse("pair-except", args=[primary.pk])
    what = "options.messages.retention-days"
    asked = text_of(administrator.get(f"{address}?what={what}"))
    assert "Options [messages] retention-days may differ" in asked
    assert "MS_Primary MS_Backup 14 7" in asked
    assert administrator.post(address, {"what": what, "reason": " "}, headers=script()).status_code == 422
    added = administrator.post(address, {"what": what, "reason": "small disk"}, headers=script())
    assert "The exception for Options [messages] retention-days was added." in text_of(added)
    body = administrator.get(part(primary, "compare")).content.decode()
    assert "small disk" in body
    exception = PairException.objects.get()
    withdraw = reverse("pair-withdraw", args=[primary.pk, exception.pk])
    assert withdraw in body
    asked = text_of(administrator.get(withdraw))
    for words in ("Withdraw the exception for Options [messages] retention-days?", "small disk", "again"):
        assert words in asked
    assert PairException.objects.exists()
    assert administrator.post(withdraw).url == f"{detail(primary)}#pair-compare"
    assert not PairException.objects.exists()


def test_secrets_are_never_shown_in_the_comparison(administrator, pair):
    for row, secret in zip(pair, ("planted-one", "planted-other"), strict=True):
        factories.set_option(row, "clients", "bench", secret)
    for address in (detail(pair[0]), part(pair[0], "compare"), reverse("pair-synchronize", args=[pair[0].pk])):
        assert "planted-" not in administrator.get(address).content.decode()
