"""What pages that are about something else say of pairs."""

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import PairState, RuntimeStatus
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, script

from .pages import detail, part, text_of

pytestmark = pytest.mark.django_db


def test_paused_failover_is_said_on_every_page(support):
    primary, _ = factories.make_pair(automatic_failover=False, paused_by="otto", paused_reason="kernel update",
                                     paused_at=timezone.now())
    for address in (LIST, reverse("monitoring"), reverse("job-list"), reverse("host-list")):
        body = support.get(address).content.decode()
        assert 'aria-label="Failover paused 1: MS_Primary"' in body
        assert "MS_Primary: kernel update (otto)" in body
        assert f'href="{detail(primary)}"' in body
    assert "kernel update" in support.get(reverse("pair-paused"), headers=script("paused-notice")).content.decode()


def test_who_paused_failover_and_why_is_text_on_every_page(support):
    primary, _ = factories.make_pair(automatic_failover=False, paused_by="otto", paused_reason="kernel update")
    sentence = "is paused by otto: kernel update"
    for address in (LIST, detail(primary)):
        body = flat(support.get(address))
        assert sentence in body.split('id="paused-banner"')[1].split("</main>")[0]
    fragment = flat(support.get(reverse("pair-paused"), headers=script("paused-notice")))
    assert sentence in fragment.split('id="paused-banner" hx-swap-oob="innerHTML"')[1]
    RuntimeStatus.objects.update(status="Stopped", mode="")
    assert "Paused by otto: kernel update." in support.get(part(primary, "head")).content.decode()


def test_nothing_is_said_while_failover_works(support, pair):
    assert "paused-link" not in support.get(LIST).content.decode()


def test_the_applications_list_leads_to_the_pair(operator, pair):
    body = flat(operator.get(LIST))
    assert body.count(f'id="mode-link-{pair[0].pk}" href="{detail(pair[0])}"') == 1
    assert body.count(f'id="mode-link-{pair[1].pk}" href="{detail(pair[0])}"') == 1
    assert body.count('title="In sync"') == 2
    PairState.objects.update(standby_in_sync=False)
    assert operator.get(LIST).content.decode().count('title="Not in sync"') == 2


@pytest.mark.parametrize("member", [0, 1])
def test_the_applications_list_switches_over_either_member(operator, pair, member):
    answer = operator.post(reverse("application-action"), {"verb": "switch-over", "ids": [pair[member].pk]},
                           headers=script())
    body = answer.content.decode()
    assert "MS_Primary hands over to MS_Backup and becomes its backup." in text_of(answer)
    assert f'hx-post="{reverse("pair-switchover", args=[pair[0].pk])}"' in body


def test_the_list_refuses_to_switch_over_what_is_no_pair(operator):
    single = factories.make_application("MS_Solo")
    answer = operator.post(reverse("application-action"), {"verb": "switch-over", "ids": [single.pk]}, follow=True)
    assert "MS_Solo is no member of a pair." in text_of(answer)


def test_the_editor_leads_to_the_pair(support, pair):
    for row in pair:
        assert f'id="open-pair" href="{detail(pair[0])}"' in \
            flat(support.get(reverse("application-edit", args=[row.pk])))


def test_the_dashboard_shows_pairs_with_trouble_first(support, lost, broker):
    text = text_of(support.get(reverse("monitoring")))
    assert "Nobody serves: MS_Primary is Gave Up, and MS_Backup does not have every message." in text
