"""How old what control says is: one function decides it, and everything that shows or judges a status asks it."""

import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from provisioning.applications.selectors.applications import application_list, get_application, ports_wait
from provisioning.applications.services import applications
from provisioning.core import ages
from provisioning.core.control import control_seen
from provisioning.core.known import Clock, Control, word
from provisioning.errors import Refused
from provisioning.hosts.selectors.hosts import get_host, host_list
from provisioning.hosts.selectors.ladder import host_ladder
from provisioning.jobs.selectors.readiness import look_refusals, why_not
from provisioning.models import HostRuntime, RuntimeStatus
from provisioning.monitoring.selectors.monitoring import application_counts, console_parts, host_counts
from provisioning.monitoring.selectors.status import status_report
from provisioning.pairs.rules.failover import CONDITION
from provisioning.pairs.rules.failover_facts import UNKNOWN
from provisioning.pairs.selectors.page import pair_facts, pair_list
from provisioning.record.models import UNWRITTEN_SINCE, ControlBeat
from provisioning.states import Role
from provisioning.web.tables import JUDGED
from tests.commands import run
from tests.factories import ADMINISTRATOR, control_answers, make_application, make_host, make_pair, make_user
from tests.sources import ROOT, sources

NOW = timezone.now()
SILENT = 600


def control(age_s):
    return Control(None if age_s is None else NOW - timedelta(seconds=age_s), NOW)


# --- pure


@pytest.mark.parametrize(("age_s", "answers"), [(0, True), (3, True), (ages.CONTROL.total_seconds(), True),
                                                (5.1, False), (3600, False), (None, False), (-2, True),
                                                (-5.1, False), (-3600, False)])
def test_control_answers_while_its_last_sign_is_fresh(age_s, answers):
    assert control(age_s).answers is answers


def test_what_control_says_counts_while_it_answers():
    said = word(control(1), status="Started", mode="Primary", reason="Serves in epoch 3.")
    assert (said.status, said.mode, said.reason, said.known) == ("Started", "Primary", "Serves in epoch 3.", True)
    assert (said.as_of, said.age_s, said.last_status) == (NOW - timedelta(seconds=1), 1, "")


@pytest.mark.parametrize(("status", "mode", "age_s", "reason"), [
    ("Started", "Primary", 12, "Last known: Started (Primary), 12 s ago; control does not answer."),
    ("Stopped", "", 600, "Last known: Stopped, 10 min ago; control does not answer."),
    ("Running", "", 7200, "Last known: Running, 2 h 0 min ago; control does not answer."),
    ("Started", "", None, "Last known: Started; control does not answer."),
])
def test_afterwards_nothing_is_known_and_the_word_before_is_told_with_its_age(status, mode, age_s, reason):
    said = word(control(age_s), status=status, mode=mode, reason="Whatever.")
    assert (said.status, said.mode, said.known, said.reason) == ("Unknown", "", False, reason)
    assert (said.last_status, said.last_mode, said.age_s) == (status, mode, age_s)


@pytest.mark.parametrize(("unwritten_s", "is_behind", "age_s"), [(None, False, 1), (0.5, False, 1), (4, False, 4),
                                                                   (20, True, 20)])
def test_what_control_could_not_write_down_makes_its_word_older(unwritten_s, is_behind, age_s):
    since = None if unwritten_s is None else NOW - timedelta(seconds=unwritten_s)
    seen = replace(control(1), unwritten_since=since)
    said = word(seen, status="Started", mode="Primary")
    assert (seen.answers, seen.is_behind, said.known, said.age_s) == (True, is_behind, True, age_s)
    assert bool(seen.silence) is is_behind


# --- clocks that differ, or that somebody sets


class Reader:
    """A process that looks at control's sign of life; its clock is ``ahead_s`` ahead of control's. Seconds are real."""

    def __init__(self, ahead_s=0.0):
        self.ahead_s, self.clock = ahead_s, Clock()

    def sees(self, beat_s, *, at_s, stamped_ahead_s=0.0):
        """Control as this process knows it at ``at_s``, when the newest sign of life is of ``beat_s``."""
        at = NOW + timedelta(seconds=beat_s + stamped_ahead_s)
        return Control(at, self.clock.read(at, NOW + timedelta(seconds=at_s + self.ahead_s), at_s))


def test_control_that_is_gone_does_not_answer_although_the_clock_is_put_back():
    reader = Reader()
    assert reader.sees(10, at_s=10.5).answers
    reader.ahead_s = -3600
    assert reader.sees(10, at_s=12).answers
    gone = reader.sees(10, at_s=30)
    assert (gone.answers, gone.silence) == (False, "Control does not answer: it was last heard of 20 s ago.")


def test_of_a_sign_that_is_ahead_a_process_that_saw_no_other_says_that_and_no_age():
    seen = Reader(ahead_s=-3600).sees(10, at_s=10)
    assert (seen.answers, seen.is_ahead, seen.age_s) == (False, True, None)
    assert seen.silence == ("Control does not answer: by the clock of this machine its last sign of life is 60 min "
                            "ahead. Compare the clocks of both machines.")
    said = word(seen, status="Started", mode="Primary")
    assert (said.known, said.age_s, said.reason) == (
        False, None, "Last known: Started (Primary); control does not answer.")


@pytest.mark.parametrize("ahead_s", [30, -30])
def test_control_whose_clock_differs_answers_once_its_sign_was_seen_to_change(ahead_s):
    reader = Reader(ahead_s)
    assert not reader.sees(10, at_s=10.5).answers
    for second in (12, 13, 60, 600):
        assert reader.sees(second, at_s=second + 0.5).age_s <= 1
    assert reader.sees(600, at_s=605).answers
    gone = reader.sees(600, at_s=640)
    assert (gone.answers, 39 <= gone.age_s <= 40.5) == (False, True)


@pytest.mark.parametrize("by_s", [3600, -3600])
def test_control_whose_clock_is_set_answers_again_at_its_next_sign(by_s):
    reader = Reader()
    assert reader.sees(10, at_s=10.5).answers
    assert reader.sees(11, at_s=11.5, stamped_ahead_s=by_s).answers
    assert reader.sees(70, at_s=70.5, stamped_ahead_s=by_s).answers
    assert not reader.sees(70, at_s=90, stamped_ahead_s=by_s).answers


def test_this_process_reads_the_clock_of_control_by_what_it_has_seen(db, monkeypatch):
    control_answers()
    assert control_seen().answers
    real, shown = time.monotonic, timezone.now
    monkeypatch.setattr("provisioning.core.control.time.monotonic", lambda: real() + 20)
    monkeypatch.setattr("provisioning.core.control.timezone.now", lambda: shown() - timedelta(hours=1))
    seen = control_seen()
    assert (seen.answers, 20 <= seen.age_s < 30) == (False, True)


def test_what_was_heard_at_a_time_that_is_yet_to_come_was_not_heard_just_now(db):
    primary, _ = make_pair()
    control_answers(ago_s=-3600)
    RuntimeStatus.objects.update(heard_at=timezone.now() + timedelta(hours=1))
    HostRuntime.objects.update(heard_at=timezone.now() + timedelta(hours=1))
    said = CONDITION["heard"](pair_facts(primary.pk)).sentence
    assert said.count("It is not known when") == 2
    report = status_report()
    assert {row["heard_s"] for row in report["applications"]} == {None}
    assert {row["last_seen_s"] for row in report["hosts"]} == {None}
    assert (report["console"]["control"], report["control"]["age_s"]) == (None, None)
    rung = host_ladder(get_host(primary.host_id), ping=lambda name: True).rungs[1]
    assert (rung.state, rung.text) == (UNKNOWN, "Last known: Running; control does not answer.")


def test_pages_and_the_command_line_say_that_the_sign_of_life_is_ahead(db, client):
    make_pair()
    control_answers(ago_s=-3660)
    client.force_login(make_user("sue", roles=(Role.SUPPORT,)))
    sentence = "by the clock of this machine its last sign of life is"
    page = client.get(reverse("monitoring")).text
    assert (sentence in page, "<span>Started</span>" in page, "last heard" in page.partition("</header>")[0]) == (
        True, False, False)
    assert sentence in run("status")[1]
    assert [part.status for part in console_parts() if part.name == "control"] == ["failed"]


# --- everything that shows or judges a status


@pytest.fixture
def silent(db):
    """A pair that served when control fell silent, and an application that nobody ever started."""
    primary, _ = make_pair()
    make_application("New", host=primary.host)
    control_answers(ago_s=SILENT)
    return primary


def statuses(rows):
    return {row.name: row.status for row in rows}


def test_without_a_sign_of_life_control_is_silent(db):
    assert not control_seen().answers
    control_answers(ago_s=1)
    assert control_seen().answers


@pytest.mark.parametrize(("told", "is_behind"), [
    (lambda: (timezone.now() - timedelta(seconds=20)).isoformat(), True), (lambda: None, False), (lambda: "?", False),
    (lambda: 4, False), (lambda: "2026-11-29T08:00:00", False)])
def test_that_it_cannot_write_is_told_by_its_sign_of_life(db, client, told, is_behind):
    make_pair()
    control_answers()
    ControlBeat.objects.filter(name="control").update(facts={UNWRITTEN_SINCE: told()})
    # A busy machine takes a while from one look to the next.
    sentence = re.compile("database takes no write: what is shown of servers and hosts is of 2. s ago.", re.IGNORECASE)
    client.force_login(make_user("sue", roles=(Role.SUPPORT,)))
    report = status_report()
    assert (control_seen().is_behind, bool(sentence.search(report["control"]["reason"]))) == (is_behind, is_behind)
    assert ({row["age_s"] >= 20 for row in report["applications"]}, report["pairs"][0]["age_s"] >= 20) == (
        {is_behind}, is_behind)
    assert bool(sentence.search(run("status")[1])) is is_behind
    assert bool(sentence.search(client.get(reverse("monitoring")).text)) is is_behind


def test_lists_show_sort_and_filter_by_what_is_known(silent):
    assert statuses(application_list()) == {"MS_Primary": "Unknown", "MS_Backup": "Unknown", "New": "Stopped"}
    assert statuses(application_list(status="Started")) == {}
    assert set(statuses(application_list(status="Unknown"))) == {"MS_Primary", "MS_Backup"}
    assert [row.name for row in application_list(sort="status")] == ["New", "MS_Backup", "MS_Primary"]
    assert {row.mode for row in application_list(sort="mode")} == {""}
    assert set(statuses(host_list()).values()) == {"Unknown"}
    assert not host_list(status="Running")


def test_once_control_is_back_everything_is_known_again(silent):
    control_answers()
    assert statuses(application_list(status="Started")) == {"MS_Primary": "Started", "MS_Backup": "Started"}
    assert {row.mode for row in application_list(status="Started")} == {"Primary", "Backup"}
    assert set(statuses(host_list()).values()) == {"Running"}


def test_the_dashboard_counts_what_is_known(silent):
    assert {each.status: each.number for each in application_counts()} == {"Unknown": 2, "Stopped": 1}
    assert {each.status: each.number for each in host_counts()} == {"Unknown": 2}


def test_the_facts_of_a_pair_have_no_roles(silent):
    facts = pair_facts(silent.pk)
    assert [(each.status, each.mode, each.word.last_mode) for each in facts.members] == [
        ("Unknown", "", "Primary"), ("Unknown", "", "Backup")]
    assert facts.primary.reason == "Last known: Started (Primary), 10 min ago; control does not answer."
    assert [row.headline.level for row in pair_list()] == ["risk"]


def test_buttons_and_rules_do_not_take_what_was_for_what_is(silent):
    row = get_application(silent.pk)
    said = why_not([row], [*JUDGED, "restart"])[row.pk]
    assert not {"start", "stop", "restart"} & set(said)
    assert [verb for verb in said if "Unknown" in said[verb]] == ["delete"]
    with pytest.raises(Refused, match="MS_Primary cannot be deleted while it is Unknown"):
        applications.delete_applications(actor=ADMINISTRATOR, application_ids=[silent.pk])


def test_what_had_ended_when_control_was_last_heard_of_counts_as_ended(silent):
    RuntimeStatus.objects.update(status="Stopped", mode="")
    assert applications.delete_applications(actor=ADMINISTRATOR, application_ids=[silent.pk]) == 1


def test_that_an_agent_is_away_is_not_claimed_while_control_cannot_tell(db):
    host = make_host("alpha", status="Disconnected")
    assert "is Disconnected" in look_refusals([host], control_seen())[host.pk][0].message
    control_answers(ago_s=SILENT)
    assert "Disconnected" not in look_refusals([host], control_seen())[host.pk][0].message


def test_the_ladder_of_a_host_blames_control_and_not_the_agent(silent):
    rung = host_ladder(get_host(silent.host_id), ping=lambda name: True).rungs[1]
    assert (rung.label, rung.state) == ("Agent connected", UNKNOWN)
    assert rung.text.startswith("Last known: Running, 10 min ago; control does not answer.")


def test_ports_that_wait_for_a_start_are_told_of_what_is_known_to_run(db):
    row = make_application("MS", host=make_host(), installed=True, status="Started", ports={"default": 7001})
    RuntimeStatus.objects.update(ports=[{"id": "default", "port": 7099}])
    assert "MS, which is Started now" in ports_wait(get_application(row.pk))
    control_answers(ago_s=SILENT)
    assert ports_wait(get_application(row.pk)) == ""


# --- the status command


def test_status_as_json_says_of_everything_how_old_it_is(silent):
    report = status_report()
    assert report["control"]["answers"] is False
    assert report["control"]["reason"] == "Control does not answer: it was last heard of 10 min ago."
    primary = next(row for row in report["applications"] if row["name"] == "MS_Primary")
    at = ControlBeat.objects.get(name="control").at.isoformat()
    for row in (primary, report["hosts"][0], report["pairs"][0]):
        assert (row["known"], row["as_of"], SILENT <= row["age_s"] < SILENT + 60) == (False, at, True)
    assert (primary["status"], primary["mode"]) == ("Unknown", "")
    assert primary["last_known"] == {"status": "Started", "mode": "Primary"}
    assert report["hosts"][0]["last_known"] == {"status": "Running", "mode": ""}
    control_answers()
    row = status_report()["applications"][1]
    assert (row["status"], row["known"], row["last_known"], row["age_s"] < 5) == ("Started", True, None, True)


def test_what_changes_unasked_has_no_value_while_it_is_not_known(silent):
    RuntimeStatus.objects.update(pid=4711, clients=3, link="synced", by_hand=True)
    unknown = {"pid": None, "clients": None, "by_hand": None, "in_sync": None, "lag": None, "link": ""}
    report = status_report()
    primary = next(row for row in report["applications"] if row["name"] == "MS_Primary")
    assert {key: primary[key] for key in unknown} == unknown
    assert [report["pairs"][0][key] for key in ("in_sync", "lag", "digests_equal")] == [None, None, None]
    assert {row["worker_alive"] for row in report["hosts"]} == {None}
    lines = run("status")[1].splitlines()
    assert next(line for line in lines if line.startswith("MS_Primary  ")).split()[4] == "?"
    assert next(line for line in lines if line.startswith("MS_Primary  MS_Backup")).split()[4:7] == ["?", "?", "?"]
    control_answers()
    report = status_report()
    assert next(row for row in report["applications"] if row["name"] == "MS_Primary")["pid"] == 4711
    assert (report["pairs"][0]["in_sync"], {row["worker_alive"] for row in report["hosts"]}) == (True, {True})


def test_status_of_what_was_never_started_is_known_and_of_what_was_never_heard_of_is_not(db):
    make_application("a")
    make_application("b", installed=True)
    assert [(row["status"], row["known"], row["as_of"]) for row in status_report()["applications"]] == [
        ("Stopped", True, None), ("Unknown", False, None)]


def test_status_as_text_says_it_first(silent, capsys):
    call_command("status")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ("Control does not answer: it was last heard of 10 min ago. What was known last stands below.")
    assert "MS_Primary: Last known: Started (Primary), 10 min ago; control does not answer." in lines
    assert not any("Started  Primary" in line for line in lines)
    control_answers()
    call_command("status")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Name")
    assert lines[-1].startswith("As of 0")
    assert lines[-1].endswith(" s ago, when control showed its last sign of life.")


# --- the pages


PAGES = [reverse("monitoring"), reverse("application-list"), reverse("pair-list"), reverse("host-list")]


@pytest.fixture
def reader(client, db):
    client.force_login(make_user("sue", roles=(Role.SUPPORT,)))
    return client


@pytest.mark.parametrize("address", PAGES)
def test_no_page_shows_a_started_server_of_a_silent_control(reader, silent, address):
    page = reader.get(address).text
    assert "<span>Started</span>" not in page
    assert "<span>Primary</span>" not in page
    assert "Control does not answer: statuses are not known" in page


def test_the_pages_of_one_object_say_what_was_known(reader, silent):
    sentence = "Last known: Started (Primary), 10 min ago; control does not answer."
    for address in (reverse("application-edit", args=[silent.pk]), reverse("pair-detail", args=[silent.pk]),
                    reverse("application-status", args=[silent.pk])):
        page = reader.get(address).text
        assert (sentence in page, "<span>Started</span>" in page) == (True, False), address
    host = reader.get(reverse("host-detail", args=[silent.host_id])).text
    assert "Last known: Running, 10 min ago; control does not answer." in host
    assert "<span>Running</span>" not in host


def test_an_open_page_can_ask_whether_control_answers(reader, silent):
    assert 'data-control="silent"' in reader.get(reverse("troubles")).text
    control_answers()
    answer = reader.get(reverse("troubles")).text
    assert ('data-control="answers"' in answer, "banner-broken" in answer) == (True, False)


# --- nobody goes around it

def test_no_template_writes_a_word_of_control_that_may_be_old():
    wrong = [f"{path.relative_to(ROOT)}: {found}" for path in (ROOT / "templates").rglob("*.html")
             for found in re.findall(r"runtime\.(?:status|mode|reason)\b", path.read_text())]
    assert wrong == [], "write status_chip, status_reason or row.mode"


def test_one_place_knows_where_the_sign_of_life_of_control_is():
    readers = {path for path, text in sources("provisioning").items() if "ControlBeat.objects" in text}
    assert readers == {"provisioning/core/control.py"}
