"""The Pair page, the list of pairs, what is said about pairs on other pages, and the verbs."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from control.narration import PairEvent
from protocol.events import Own
from protocol.messages import PairAnswer
from provisioning.core.control_client import configuration_server
from provisioning.core.events import OF_PAIR
from provisioning.models import Application, Event, HistoryEntry, Job, Option, PairException, PairState, RuntimeStatus
from provisioning.pairs.selectors.page import EVENT_GRANTED, pair_list, pairs_in_order
from tests import factories
from tests.html import flat
from tests.provisioning.posted import LIST, script
from tests.sources import ROOT

pytestmark = pytest.mark.django_db
MEMBERS = [{"name": "MS_Primary", "connected": True, "role": "primary", "epoch": 3, "accepts": True, "took_ms": 4.0},
           {"name": "MS_Backup", "connected": True, "role": "backup", "epoch": 3, "reason": "it stands by"}]


def detail(row):
    return reverse("pair-detail", args=[row.pk])


def part(row, name):
    return reverse("pair-part", args=[row.pk, name])


def text_of(answer):
    """What is written on a page, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


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
    assert [event.number for event in events] == [5024, 20100, 20102, 20100]


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


# --- the verbs


def test_switch_over_asks_first_and_names_what_is_hit(operator, pair):
    RuntimeStatus.objects.filter(application=pair[0]).update(clients=4)
    text = text_of(operator.get(reverse("pair-switchover", args=[pair[0].pk])))
    assert "Switch over to MS_Backup?" in text
    assert "4 clients of MS_Primary reconnect to MS_Backup." in text


def test_switch_over_is_done_by_control_and_recorded(operator, pair, control):
    control.answers["switchover"] = PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4, "took_ms": 730})
    answer = operator.post(reverse("pair-switchover", args=[pair[0].pk]), {"reason": "kernel update"}, headers=script())
    assert "MS_Backup serves now, in epoch 4. It took 0.7 s." in answer.content.decode()
    assert '"dialog-close": true' in answer["HX-Trigger"]
    assert (control.requests[0].application, control.requests[0].by) == ("MS_Primary", "operator")
    assert control.requests[0].reason == "kernel update"
    assert "kernel update" in HistoryEntry.objects.get().reason


def test_a_plain_form_switches_over_too_and_comes_back_to_the_page(operator, pair, control):
    control.answers["switchover"] = PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4})
    assert operator.post(reverse("pair-switchover", args=[pair[0].pk])).url == detail(pair[0])


def test_what_control_refuses_is_said_in_the_dialog(operator, pair, control):
    control.answers["switchover"] = PairAnswer(ok=False, reason="MS_Backup is not ready.", advice="Start it.")
    answer = operator.post(reverse("pair-switchover", args=[pair[0].pk]), headers=script())
    assert answer.status_code == 422
    assert "MS_Backup is not ready. Start it." in answer.content.decode()


def test_control_that_does_not_answer_is_said_in_the_dialog(operator, pair, no_control):
    answer = operator.post(reverse("pair-switchover", args=[pair[0].pk]), headers=script())
    assert answer.status_code == 422
    assert "did not answer" in answer.content.decode()


def test_pausing_needs_a_reason(operator, pair, control):
    address = reverse("pair-pause", args=[pair[0].pk])
    answer = operator.post(address, {"reason": " "}, headers=script())
    assert answer.status_code == 422
    assert "Say why: everybody sees it until failover is resumed." in answer.content.decode()
    assert control.requests == []
    control.answers["pause"] = PairAnswer(ok=True)
    assert operator.post(address, {"reason": "kernel update"}, headers=script()).status_code == 200
    assert control.requests[0].reason == "kernel update"


def test_resume_stands_where_pause_stood(operator, control):
    primary, _ = factories.make_pair(automatic_failover=False, paused_by="otto", paused_reason="kernel update")
    body = operator.get(detail(primary)).content.decode()
    assert "Paused by otto: kernel update." in body
    assert 'id="pair-resume"' in body
    assert 'id="pair-pause"' not in body
    control.answers["resume"] = PairAnswer(ok=True)
    operator.post(reverse("pair-resume", args=[primary.pk]))
    assert [request.verb for request in control.requests] == ["resume"]


@pytest.fixture
def lost():
    """A pair whose active member is gone while its standby lacks messages."""
    primary, backup = factories.make_pair(in_sync=False)
    RuntimeStatus.objects.filter(application=primary).update(status="Gave Up", mode="", last_seq=150)
    return primary, backup


def test_promotion_wants_the_name_of_the_server_whose_messages_are_given_up(administrator, lost, control):
    primary, _ = lost
    address = reverse("pair-promote", args=[primary.pk])
    page = administrator.get(address).content.decode()
    assert "at least 30 records (121 to 150)" in page
    answer = administrator.post(address, {"accept_data_loss": "MS_Backup"}, headers=script())
    assert answer.status_code == 422
    assert "type the name of the server whose newest messages are given up" in text_of(answer)
    assert control.requests == []
    control.answers["promote"] = PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4, "took_ms": 50})
    assert administrator.post(address, {"accept_data_loss": "MS_Primary"}, headers=script()).status_code == 200
    assert [request.verb for request in control.requests] == ["promote"]


@pytest.fixture
def replaced():
    """A pair whose active member came back with an empty store while its standby lacks messages."""
    primary, backup = factories.make_pair(in_sync=False, active_copy="old")
    RuntimeStatus.objects.filter(application=primary).update(status="Initializing", mode="", last_seq=0, copy="new")
    return primary, backup


def test_the_active_server_itself_is_promoted_where_its_store_was_replaced(administrator, replaced, control):
    primary, _ = replaced
    body = administrator.get(detail(primary)).content.decode()
    assert "Nobody serves: MS_Primary came back without the messages that it served with." in body
    assert {"pair-promote", "pair-promote-active"} <= set(re.findall(r'id="(pair-promote[^"]*)"', body))
    address = reverse("pair-promote-active", args=[primary.pk])
    assert "serves with the store that it has now (no record)" in administrator.get(address).content.decode()
    assert administrator.post(address, {"accept_data_loss": "MS_Backup"}, headers=script()).status_code == 422
    assert control.requests == []
    control.answers["promote"] = PairAnswer(ok=True, facts={"active": "MS_Primary", "epoch": 4, "took_ms": 50})
    assert administrator.post(address, {"accept_data_loss": "MS_Primary"}, headers=script()).status_code == 200
    assert [(request.verb, request.target) for request in control.requests] == [("promote", "MS_Primary")]


def test_the_active_server_is_not_promoted_while_its_store_is_the_same(administrator, lost):
    assert "pair-promote-active" not in administrator.get(detail(lost[0])).content.decode()
    page = administrator.get(reverse("pair-promote-active", args=[lost[0].pk])).content.decode()
    assert 'aria-disabled="true" title="MS_Primary has the store that it served with.' in page


def test_promotion_is_offered_only_when_messages_would_be_lost(administrator, pair):
    assert 'id="pair-promote"' not in administrator.get(detail(pair[0])).content.decode()
    RuntimeStatus.objects.filter(application=pair[0]).update(status="Gave Up", mode="")
    PairState.objects.update(standby_in_sync=False)
    assert 'id="pair-promote"' in administrator.get(detail(pair[0])).content.decode()


def test_buttons_that_are_off_say_why(operator, lost):
    body = operator.get(detail(lost[0])).content.decode()
    assert re.search(r'id="pair-promote"[^>]*aria-disabled="true" title="Your role does not let you promote', body)
    assert re.search(r'id="pair-switchover"[^>]*aria-disabled="true" title="MS_Backup is not in sync', body)


def test_support_sees_why_it_may_not(support, lost):
    body = support.get(detail(lost[0])).content.decode()
    assert re.search(r'id="pair-pause"[^>]*aria-disabled="true" title="Your role does not let you start', body)


ALLOWED = {"switchover": {"administrator", "operator"}, "pause": {"administrator", "operator"},
           "resume": {"administrator", "operator"}, "promote": {"administrator"}, "promote-active": {"administrator"}}


@pytest.mark.parametrize("role", ["administrator", "operator", "support"])
@pytest.mark.parametrize("verb", ALLOWED)
@pytest.mark.parametrize("method", ["get", "post"])
def test_verbs_are_for_the_roles_that_have_them(request, role, verb, method, pair, control):
    control.answers = dict.fromkeys([*ALLOWED, "promote"],
                                    PairAnswer(ok=True, facts={"active": "MS_Backup", "epoch": 4}))
    PairState.objects.update(automatic_failover=verb != "resume")
    client = request.getfixturevalue(role)
    form = {"reason": "why not", "accept_data_loss": "MS_Primary"}
    answer = getattr(client, method)(reverse(f"pair-{verb}", args=[pair[0].pk]), form if method == "post" else None)
    allowed = role in ALLOWED[verb]
    assert answer.status_code == (403 if not allowed else 302 if method == "post" else 200)
    assert len(control.requests) == (1 if allowed and method == "post" else 0)


def test_a_server_without_a_backup_has_no_verbs(operator, control):
    single = factories.make_application("MS_Solo", status="Started", mode="Primary")
    assert operator.post(reverse("pair-switchover", args=[single.pk])).status_code == 302
    assert control.requests == []


# --- the guide's procedure


def steps(answer):
    return [step.state for step in answer.context["pair"].steps]


def test_a_server_without_a_backup_is_led_through_the_procedure(administrator):
    host = factories.make_host("edge1")
    primary = factories.make_application("MS_Solo", host=host, installed=True, ports={"default": 7001})
    answer = administrator.get(detail(primary))
    body = answer.content.decode()
    assert "MS_Solo is Unknown and has no Backup Server" in body
    assert f'href="{reverse("application-new")}?template={primary.template_id}"' in body
    assert f'hx-get="{reverse("application-clone", args=[primary.pk])}"' in body
    assert set(steps(answer)) == {"not done"}


def test_the_server_that_is_meant_to_be_the_backup_is_chosen_on_the_page(administrator):
    primary = factories.make_application("MS_Solo", installed=True)
    factories.make_application("MS_One")
    two = factories.make_application("MS_Two")
    factories.make_application("Other", template=factories.make_template("Other", type="GenericServer"))
    answer = administrator.get(detail(primary))
    assert answer.context["pair"].candidate is None
    assert [row.name for row in answer.context["pair"].candidates] == ["MS_One", "MS_Two"]
    answer = administrator.get(f"{detail(primary)}?candidate={two.name}")
    assert answer.context["pair"].candidate.name == "MS_Two"
    assert "Install MS_Two" not in answer.content.decode()
    Application.objects.filter(pk=two.pk).update(host=factories.make_host())
    assert "Install MS_Two" in administrator.get(f"{detail(primary)}?candidate={two.name}").content.decode()


def test_the_only_server_that_could_be_the_backup_is_taken_for_it(administrator):
    primary = factories.make_application("MS_Solo", installed=True)
    factories.make_application("MS_Other")
    assert administrator.get(detail(primary)).context["pair"].candidate.name == "MS_Other"


def test_a_pair_that_was_deployed_keeps_its_page_in_order(operator, pair):
    for row in pair:
        checked(row, starts=True, sentence="run.sh is as it should be.")
    PairState.objects.update(automatic_failover=False)
    RuntimeStatus.objects.filter(application=pair[1]).update(status="Stopped", mode="")
    body = operator.get(detail(pair[0])).content.decode()
    assert body.index('id="pair-timeline"') < body.index('id="pair-guide"')
    PairState.objects.update(active=None)
    body = operator.get(detail(pair[0])).content.decode()
    assert body.index('id="pair-guide"') < body.index('id="pair-timeline"')


def test_the_guide_asks_again_while_a_job_works_on_a_member(operator, pair):
    assert "every 3s" not in operator.get(part(pair[0], "guide")).content.decode()
    job = factories.make_job(pair[1], state="running")
    assert "rows-changed from:body, every 3s" in operator.get(part(pair[0], "guide")).content.decode()
    Job.objects.filter(pk=job.pk).update(state="succeeded")
    assert "every 3s" not in operator.get(part(pair[0], "guide")).content.decode()


def test_what_control_decided_last_is_not_told_of_servers_that_do_not_run(operator, pair):
    assert "MS_Primary was granted the role." in operator.get(part(pair[0], "head")).content.decode()
    RuntimeStatus.objects.update(status="Stopped", mode="")
    assert "was granted the role" not in operator.get(part(pair[0], "head")).content.decode()


def test_stop_is_offered_in_step_3_and_asks_first(operator):
    primary = factories.make_application("MS_Solo", host=factories.make_host(), installed=True, status="Started",
                                         mode="Primary", ports={"default": 7001})
    body = operator.get(part(primary, "guide")).content.decode()
    button = body[:body.index(f'id="guide-stop-{primary.pk}"')].rpartition("<form")[2]
    assert 'name="verb" value="stop"' in button
    assert 'hx-target="#dialog-content"' in button


def test_both_are_started_by_one_button_that_comes_back_here(operator, no_broker):
    primary, backup = factories.make_pair(status="Stopped")
    body = operator.get(detail(primary)).content.decode()
    assert "Start both" in body
    form = body[:body.index(f'id="guide-start-{primary.pk}-{backup.pk}"')].rpartition("<form")[2]
    sent = {}
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form):
        sent.setdefault(name, []).append(value)
    assert operator.post(reverse("application-action"), sent).url == detail(primary)
    assert Job.objects.filter(kind="start").count() == 2


def checked(row, *, starts, sentence, diff=""):
    """A finished check of the start files of ``row`` as a host reports it."""
    file = {"name": "run.sh", "present": True, "sha256": "a" * 64, "starts": starts, "equal": not diff,
            "sentence": sentence, "diff": diff}
    return factories.make_job(row, kind="check_start_files", state="succeeded", finished_at=timezone.now(),
                              arguments={"directory": row.working_directory}, result={"start_files": {
                                  "application": row.name, "directory": row.working_directory, "files": [file],
                                  "configuration_server": configuration_server()}})


def test_start_files_that_are_wrong_are_shown_with_their_difference_and_repaired(administrator, pair, no_broker):
    primary, backup = pair
    checked(primary, starts=True, sentence="run.sh is as it should be.")
    checked(backup, starts=False, sentence="In run.sh: -app is missing.", diff="--- a\n+++ b\n-old\n+new <x>")
    answer = administrator.get(detail(primary))
    body = answer.content.decode()
    assert steps(answer)[3] == "wrong"
    assert '<span class="diff-new">+new &lt;x&gt;</span>' in body
    address = reverse("application-start-files", args=[backup.pk])
    shown = flat(administrator.get(address, headers=script()))
    assert "In run.sh: -app is missing." in shown
    seen = re.findall(r'name="seen" value="([^"]*)"', shown)
    assert administrator.post(address, {"verb": "repair", "seen": seen, "next": detail(primary)}).url == \
        detail(primary)
    assert Job.objects.get(kind="repair_start_files").arguments["seen"] == {"run.sh": "a" * 64}
    assert "It is being looked at." in administrator.get(detail(primary)).content.decode()


def test_a_repair_of_what_somebody_else_looked_at_again_is_refused_with_the_new_difference(administrator, pair):
    checked(pair[0], starts=False, sentence="Wrong.", diff="+x")
    answer = administrator.post(reverse("application-start-files", args=[pair[0].pk]),
                                {"verb": "repair", "seen": f"run.sh {'b' * 64}"}, headers=script())
    assert answer.status_code == 422
    assert "They were looked at again in the meantime." in answer.content.decode()


def test_an_operator_checks_start_files_and_does_not_repair_them(operator, pair, no_broker):
    address = reverse("application-start-files", args=[pair[1].pk])
    assert operator.post(address, {"verb": "check"}).url == detail(pair[1])
    assert Job.objects.get().kind == "check_start_files"
    Job.objects.update(state="succeeded")
    checked(pair[1], starts=False, sentence="Wrong.", diff="+x")
    assert operator.post(address, {"verb": "repair", "seen": f"run.sh {'a' * 64}"}).status_code == 403


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


# --- both members beside each other


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


# --- other pages


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
