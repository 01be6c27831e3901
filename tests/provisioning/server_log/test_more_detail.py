"""More detail for a while: what it sets, that it is undone whoever is there, and what others changed meanwhile."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from console.schedule import DUTIES
from console.tasks import end_more_detail
from provisioning.applications.services.applications import delete_applications
from provisioning.errors import NotAllowed, Refused
from provisioning.models import HistoryEntry, MoreDetail
from provisioning.server_log.services import detail
from provisioning.server_log.services.detail import LASTS, begin, end, end_due
from tests import factories
from tests.provisioning.pairs.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(pair):
    return pair[0]


def verbose(row) -> str | None:
    found = row.options.filter(section="log", key="verbose", annex=False).first()
    return found.value if found else None


def began(row):
    return begin(actor=factories.ADMINISTRATOR, application_id=row.pk)


def ended(row) -> bool:
    return end(actor=factories.ADMINISTRATOR, application_id=row.pk)


@pytest.mark.parametrize("former", [None, "", "standard", "none"])
def test_everything_is_logged_until_then_and_what_was_before_comes_back(server, former):
    server.options.filter(section="log", key="verbose").delete()
    if former is not None:
        factories.set_option(server, "log", "verbose", former)
    before = server.options.count()
    row = began(server)
    assert verbose(server) == "all"
    assert LASTS - timedelta(minutes=1) < row.until - timezone.now() <= LASTS
    assert end_due() == 0
    assert end_due(timezone.now() + LASTS) == 1
    assert (verbose(server), server.options.count(), MoreDetail.objects.count()) == (former, before, 0)


def test_history_tells_both_and_by_whom(server):
    began(server)
    end_due(timezone.now() + LASTS)
    last, first = HistoryEntry.objects.order_by("-number")[:2]
    assert (first.user_name, first.reason) == ("ada", "More detail in the log for 15 minutes.")
    assert (last.user_name, last.reason) == ("more detail of ada", "The log is back to normal.")
    assert (first.object_name, first.before != first.after) == ("MS_Primary", True)


def test_asked_for_again_it_lasts_longer_and_what_was_before_is_kept(server):
    factories.set_option(server, "log", "verbose", "trace")
    began(server)
    MoreDetail.objects.update(until=timezone.now() + timedelta(seconds=5))
    began(server)
    assert end_due(timezone.now() + timedelta(minutes=1)) == 0
    assert ended(server) is True
    assert verbose(server) == "trace"


def test_what_somebody_chose_meanwhile_stays(server):
    began(server)
    factories.set_option(server, "log", "verbose", "interaction")
    assert ended(server) is True
    assert verbose(server) == "interaction"
    assert ended(server) is False


def test_an_option_of_another_spelling_is_the_same_one(server):
    server.options.filter(section="log").delete()
    factories.set_option(server, "Log", "Verbose", "standard")
    began(server)
    assert server.options.get(section="Log", key="Verbose").value == "all"
    ended(server)
    assert server.options.get(section="Log", key="Verbose").value == "standard"


def test_who_has_all_already_is_told_so(server):
    factories.set_option(server, "log", "verbose", "all")
    with pytest.raises(Refused, match="already"):
        began(server)
    assert not MoreDetail.objects.exists()


def test_what_pairwise_does_not_start_is_left_alone(db):
    row = factories.make_application("Kept", template=factories.make_template("Kept", type="ThirdPartyServer"))
    with pytest.raises(Refused, match="none that Pairwise starts"):
        began(row)


@pytest.mark.parametrize("actor", [factories.OPERATOR, factories.SUPPORT])
@pytest.mark.parametrize("verb", [begin, end])
def test_only_who_may_configure_changes_it(server, actor, verb):
    with pytest.raises(NotAllowed):
        verb(actor=actor, application_id=server.pk)


def test_one_that_cannot_be_ended_keeps_no_other_one_from_its_end(server, pair, monkeypatch, caplog):
    real = detail.update_application
    began(server)
    began(pair[1])

    def refuse(**asked):
        if asked["application_id"] == server.pk:
            raise Refused("Not now.")
        return real(**asked)

    monkeypatch.setattr(detail, "update_application", refuse)
    assert end_due(timezone.now() + LASTS) == 1
    assert "MS_Primary is not back to normal yet: Not now." in caplog.text
    monkeypatch.undo()
    assert end_due(timezone.now() + LASTS) == 1


def test_a_deleted_application_leaves_nothing_to_end(db):
    row = factories.make_application("Alone", host=factories.make_host())
    began(row)
    delete_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk])
    assert end_due(timezone.now() + LASTS) == 0


def test_the_console_worker_ends_what_is_due_whoever_is_there(server):
    began(server)
    MoreDetail.objects.update(until=timezone.now())
    assert next(duty.every_s for duty in DUTIES if duty.work is end_more_detail) <= 15
    end_more_detail()
    assert verbose(server) != "all"


def test_the_page_says_so_and_leads_back(server, administrator):
    address = reverse("application-server-log-detail", args=[server.pk])
    editor = reverse("application-edit", args=[server.pk])
    assert "writes everything" not in text_of(administrator.get(editor))
    answer = administrator.post(address, {"verb": "begin"}, follow=True)
    assert "writes everything into its log until" in text_of(answer)
    assert answer.redirect_chain[-1][0].endswith("tab=server-log")
    assert "Back to normal now" in text_of(answer)
    assert "Back to normal now" not in text_of(administrator.post(address, {"verb": "end"}, follow=True))


def test_who_may_not_configure_sees_it_and_no_way_back(server, operator):
    began(server)
    text = text_of(operator.get(reverse("application-edit", args=[server.pk])))
    assert ("writes everything into its log until" in text, "Back to normal now" in text) == (True, False)
