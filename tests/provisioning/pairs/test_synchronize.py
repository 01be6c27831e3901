"""Synchronize on the database: plan, apply, exceptions, and the command."""

import json

import pytest

from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.models import Application, HistoryEntry, ListeningPort, PairException
from provisioning.models.applications import MASK
from provisioning.pairs.rules.synchronization import EXCEPTION
from provisioning.pairs.services import synchronize as services
from tests.commands import run
from tests.factories import ADMINISTRATOR, OPERATOR, SUPPORT, make_application, make_pair, set_option

pytestmark = pytest.mark.django_db

DAYS = "options.messages.retention-days"


@pytest.fixture
def pair():
    """In need of one option, one secret and one port."""
    primary, backup = make_pair()
    for row, days, passcode in ((primary, "7", "benchpass"), (backup, "14", "oldpass")):
        set_option(row, "messages", "retention-days", days)
        set_option(row, "clients", "bench", passcode)
    ListeningPort.objects.create(application=primary, port_id="tls", port=7003)
    ListeningPort.objects.create(application=make_application(host=backup.host), port_id="x", port=7003)
    return primary, backup


def plan(row, actor=ADMINISTRATOR):
    return services.plan(actor=actor, application_id=row.pk)


def apply(row, revisions=None, **options):
    return services.apply_plan(actor=ADMINISTRATOR, application_id=row.pk,
                               revisions=revisions or plan(row).revisions, **options)


def stored(row):
    row = Application.objects.get(pk=row.pk)
    return row.options_dict(masked=False), [(port.port_id, port.port) for port in row.ports.all()]


@pytest.mark.parametrize("member", [0, 1])
def test_a_plan_says_what_is_to_be_copied_and_changes_nothing(pair, member):
    before = stored(pair[1])
    found = plan(pair[member], actor=SUPPORT)
    assert [(row.what, row.primary, row.backup) for row in found.copied] == [
        ("ports.tls", "7003", "(none)"), ("options.clients.bench", MASK, MASK), (DAYS, "7", "14")]
    assert (found.primary.name, found.backup.name, found.by_hand) == ("MS_Primary", "MS_Backup", ())
    assert stored(pair[1]) == before


def test_apply_copies_to_the_backup_with_history_and_leaves_nothing_to_do(pair):
    primary_before = stored(pair[0])
    done = apply(pair[1], reason="step 5")
    assert len(done.copied) == 3
    assert stored(pair[1]) == ({"messages": {"retention-days": "7"}, "clients": {"bench": "benchpass"}},
                               [("default", 7101), ("sync", 7102), ("tls", 7004)])
    assert stored(pair[0]) == primary_before
    [entry] = HistoryEntry.objects.all()
    assert (entry.object_name, entry.user_name, entry.action) == ("MS_Backup", "ada", "changed")
    assert entry.reason == ("Synchronized from MS_Primary: Listening Port tls, Options [clients] bench, "
                            "Options [messages] retention-days. step 5 New value for [clients] bench.")
    assert "pass" not in str((entry.before, entry.after)).replace("passw", "")
    assert plan(pair[0]).is_empty
    assert apply(pair[0]).is_empty
    assert HistoryEntry.objects.count() == 1


@pytest.mark.parametrize("member", [0, 1])
def test_a_save_after_the_plan_was_shown_is_not_overwritten(pair, member):
    shown = plan(pair[0]).revisions
    Application.objects.filter(pk=pair[member].pk).update(revision=2, changed_by="eve")
    before = stored(pair[1])
    with pytest.raises(Refused, match=f"{pair[member].name} was saved by eve after this plan was made"):
        apply(pair[0], shown)
    assert stored(pair[1]) == before


def test_the_rules_of_a_save_hold(pair):
    Application.objects.filter(pk=pair[0].pk).update(tenants="x\ty")
    with pytest.raises(Refused, match="Tenants holds a line break or another control character"):
        apply(pair[0])
    assert not HistoryEntry.objects.exists()


def test_who_may(pair):
    with pytest.raises(NotAllowed):
        services.apply_plan(actor=OPERATOR, application_id=pair[0].pk, revisions=(1, 1))
    with pytest.raises(NotAllowed):
        services.declare_exception(actor=OPERATOR, application_id=pair[0].pk, what=DAYS, reason="x")
    with pytest.raises(NotAllowed):
        services.withdraw_exception(actor=OPERATOR, exception_id=1)


def test_a_single_server_has_nothing_to_be_synchronized_with():
    with pytest.raises(Refused, match="Alone is no member of a pair"):
        plan(make_application("Alone"))


# --- exceptions


def declare(row, what, reason="The second site keeps more."):
    return services.declare_exception(actor=ADMINISTRATOR, application_id=row.pk, what=what, reason=reason)


def test_a_declared_exception_is_kept_with_who_and_why_and_can_be_withdrawn(pair):
    row = declare(pair[1], DAYS, " The second site\nkeeps more. ")
    assert (row.primary, row.declared_by, row.reason) == (pair[0], "ada", "The second site keeps more.")
    assert [(each.reason, each.state) for each in plan(pair[0]).rows if each.what == DAYS] == [
        ("The second site keeps more.", EXCEPTION)]
    apply(pair[0])
    assert stored(pair[1])[0]["messages"] == {"retention-days": "14"}
    services.withdraw_exception(actor=ADMINISTRATOR, exception_id=row.pk)
    assert [each.what for each in plan(pair[0]).copied] == [DAYS]
    told = HistoryEntry.objects.filter(object_name="MS_Primary").values_list("reason", flat=True)
    assert list(told) == [
        "Withdrew the exception for Options [messages] retention-days of its pair (The second site keeps more.).",
        "Added an exception: MS_Primary and MS_Backup may differ in Options [messages] retention-days. The second site "
        "keeps more."]
    with pytest.raises(NotFound):
        services.withdraw_exception(actor=ADMINISTRATOR, exception_id=row.pk)


def test_an_exception_of_what_is_no_pair_any_more_is_withdrawn_in_the_same_words(pair):
    row = declare(pair[0], DAYS)
    Application.objects.filter(pk=pair[0].pk).update(backup_server=None)
    services.withdraw_exception(actor=ADMINISTRATOR, exception_id=row.pk)
    assert "for Options [messages] retention-days of its pair" in HistoryEntry.objects.order_by("-number")[0].reason


def test_no_sentence_about_an_exception_shows_a_key(pair):
    """Of any row that a plan has: what people read is its label."""
    for row in plan(pair[0]).rows:
        said = declare(pair[0], row.what)
        with pytest.raises(Refused) as caught:
            declare(pair[0], row.what)
        services.withdraw_exception(actor=ADMINISTRATOR, exception_id=said.pk)
        texts = [*HistoryEntry.objects.order_by("-number").values_list("reason", flat=True)[:2],
                 *(refusal.message for refusal in caught.value.refusals)]
        assert len(texts) == 3
        assert all(row.label in text for text in texts), texts


@pytest.mark.parametrize(("what", "reason", "field"), [
    ("options.messages.nothing", "x", "what"), ("", "x", "what"), (DAYS, " ", "reason"), (DAYS, "x" * 1025, "reason")])
def test_an_exception_names_something_of_the_pair_and_why(pair, what, reason, field):
    with pytest.raises(Refused) as caught:
        declare(pair[0], what, reason)
    assert [refusal.field for refusal in caught.value.refusals] == [field]


def test_an_exception_is_declared_once(pair):
    declare(pair[0], "options.messages")
    with pytest.raises(Refused, match=r"^Options \[messages\] is an exception already"):
        declare(pair[1], "options.messages")
    assert PairException.objects.count() == 1


# --- command


def test_command_prints_the_plan_and_needs_a_yes(pair):
    code, out, err = run("synchronize", "MS_Backup")
    assert code == 2
    assert "Add --yes to apply this plan" in err
    lines = out.splitlines()
    assert "~ Options [messages] retention-days: 14 → 7. MS_Backup gets 7." in lines
    assert (". Listening Port default: Port: 7001 on MS_Primary, 7101 on MS_Backup. "
            "Each member has port numbers of its own.") in lines
    assert lines[-1].startswith("MS_Primary → MS_Backup: 3 to copy, 0 left to you, 2 exceptions, ")
    assert "pass" not in out
    code, out, _ = run("synchronize", "MS_Primary", "--yes", "--reason", "step 5")
    assert (code, out.splitlines()[-1]) == (0, "Done.")
    code, out, _ = run("synchronize", "MS_Primary")
    assert (code, out.splitlines()[-1]) == (0, "Nothing to do.")


def test_command_in_json(pair):
    code, out, _ = run("synchronize", "MS_Backup", "--json")
    body = json.loads(out)
    assert (code, body["applied"], body["equal"], body["primary"]) == (2, False, False, "MS_Primary")
    code, out, _ = run("synchronize", "MS_Backup", "--json", "--yes")
    body = json.loads(out)
    assert (code, body["applied"]) == (0, True)
    assert {row["what"] for row in body["rows"] if row["copied"]} == {"ports.tls", DAYS, "options.clients.bench"}
    body = json.loads(run("synchronize", "MS_Backup", "--json")[1])
    assert (body["applied"], body["equal"]) == (False, True)
    assert run("synchronize", "Nobody")[0] == 2
