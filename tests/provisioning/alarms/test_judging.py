"""Events and log records become alarms: each once, whoever judges, with how far was judged."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError
from django.utils import timezone

from control.narration import status_event
from control.status import Verdict
from protocol.events import ALARM, KINDS, OF_ALARMS, Own
from provisioning.alarms import predefined
from provisioning.alarms.selectors import happened
from provisioning.alarms.worker import judging
from provisioning.alarms.worker.judging import Moved, end_old, look
from provisioning.models import Alarm, AlarmCondition, AlarmMark, Application, Event, Host
from provisioning.states import AGENT_STOPPED, AlarmEnd, JobKind, JobState
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


@pytest.fixture(autouse=True)
def begun(db):
    """Somebody judges already."""
    look()


def tell(number, application=None, *, text="It happened.", host=None, ago_s=0.0, **fields):
    return Event.objects.create(at=timezone.now() - timedelta(seconds=ago_s), number=number, application=application,
                                host=host or (application.host if application else None), text=text, **fields)


def recorded(event, **fields):
    """The log record of ``event``."""
    at = int(event.at.timestamp() * 1000)
    return factories.make_record(**{
        "event": event.number, "at": at, "text": event.text, "type": "Message Server",
        "application": event.application.name if event.application else happened.CONSOLE,
        "host": event.host.name if event.host else "", **fields})


def active():
    return sorted((alarm.condition_name, alarm.about, alarm.times) for alarm in Alarm.objects.filter(cleared_at=None))


def test_what_happened_before_anybody_judged_raises_nothing(pair):
    AlarmMark.objects.all().delete()
    tell(5024, pair[0])
    assert (look(), look(), active()) == (False, False, [])


def test_a_crash_raises_an_alarm_that_the_next_start_clears(pair):
    tell(5024, pair[0], text="Killed by signal 9.")
    look()
    [alarm] = Alarm.objects.all()
    assert (alarm.condition_name, alarm.category, alarm.application, alarm.application_type, alarm.host) == (
        "Application Failure", "major", "MS_Primary", "MessageServer", pair[0].host.name)
    event = tell(5093, pair[0])
    look()
    alarm.refresh_from_db()
    assert (alarm.cleared_at, alarm.cleared_how, active()) == (event.at, AlarmEnd.EVENT, [])


def test_what_concerns_a_pair_is_one_alarm_about_its_primary(pair):
    for member in pair:
        tell(Own.ROLE_CHANGED, member, text="MS_Backup is the active server in epoch 4: MS_Primary is lost.")
        tell(Own.OUT_OF_SYNC, member)
    look()
    assert active() == [("Failover Happened", "MS_Primary", 1), ("Pair Without Standby", "MS_Primary", 1)]
    for member in pair:
        tell(Own.IN_SYNC, member)
    look()
    assert active() == [("Failover Happened", "MS_Primary", 1)]


@pytest.mark.parametrize("kind", [JobKind.STOP, JobKind.RESTART])
def test_a_job_that_stops_a_server_masks_what_it_causes(pair, kind):
    factories.make_job(pair[0], kind=kind, state=JobState.RUNNING)
    tell(Own.ROLE_CHANGED, pair[0], text="MS_Backup is the active server in epoch 4: MS_Primary has ended.")
    tell(Own.OUT_OF_SYNC, pair[0])
    look()
    assert active() == []


def test_the_standby_that_is_restarted_does_not_hide_a_crash_of_the_active_server(pair):
    factories.make_job(pair[1], kind=JobKind.RESTART, state=JobState.RUNNING)
    tell(Own.ROLE_CHANGED, pair[0], text="MS_Backup is the active server in epoch 4: MS_Primary has ended.")
    look()
    assert active() == [("Failover Happened", "MS_Primary", 1)]


def test_a_failover_right_after_both_were_stopped_and_started_again_is_told(pair):
    for member in pair:
        factories.make_job(member, kind=JobKind.STOP, state=JobState.SUCCEEDED, finished_at=timezone.now())
    for number in (5091, 5093):
        for member in pair:
            tell(number, member)
    tell(Own.ROLE_CHANGED, pair[0], text="MS_Backup is the active server in epoch 4: MS_Primary has ended.")
    look()
    assert active() == [("Failover Happened", "MS_Primary", 1)]


@pytest.mark.parametrize("number", [Own.ASKED, 5091])
def test_a_switchover_that_was_asked_for_and_a_stop_without_a_job_raise_nothing(pair, number):
    tell(number, pair[0])
    tell(Own.ROLE_CHANGED, pair[0], text="MS_Backup is the active server in epoch 4: ada asked for a switchover.")
    look()
    assert active() == []


@pytest.mark.parametrize(("number", "raised"), [(Own.OUT_OF_SYNC, []),
                                                (Own.ROLE_CHANGED, [("Failover Happened", "MS_Primary", 1)])])
def test_of_a_server_that_begins_to_end_only_the_missing_standby_is_expected(pair, number, raised):
    live = SimpleNamespace(verdict=Verdict("Stop Pending", "Exiting", "SIGTERM was sent."),
                           facts=SimpleNamespace(id=pair[0].pk))
    change = status_event(live, Verdict("Started"))
    tell(change.number, pair[0], text=change.text)
    tell(number, pair[0], text="MS_Backup is the active server in epoch 4: MS_Primary has ended.")
    look()
    assert active() == raised


def test_a_stop_of_long_ago_masks_nothing(pair):
    at = timezone.now() - timedelta(hours=1)
    job = factories.make_job(pair[0], kind=JobKind.STOP, state=JobState.SUCCEEDED, finished_at=at)
    type(job).objects.update(created_at=at)
    tell(Own.OUT_OF_SYNC, pair[0])
    look()
    assert active() == [("Pair Without Standby", "MS_Primary", 1)]


def test_a_host_that_is_gone_raises_an_alarm_and_one_whose_agent_was_removed_or_stopped_does_not():
    alpha, beta, gamma = (factories.make_host(name) for name in ("alpha", "beta", "gamma"))
    Host.objects.filter(pk=beta.pk).update(left_at=timezone.now())
    tell(8000, host=alpha)
    tell(8000, host=beta)
    tell(8000, host=gamma, text=f"Host gamma is Disconnected: {AGENT_STOPPED}")
    look()
    assert active() == [("Host Unavailable", "alpha", 1)]
    tell(8001, host=alpha)
    look()
    assert active() == []


def test_a_record_of_another_program_raises_an_alarm_by_its_name():
    AlarmCondition.objects.filter(predefined="connection-failure").update(enabled=True)
    factories.make_record(event=4504, application="TSERVER", host="gamma", text="The line is lost.")
    look()
    assert active() == [("Connection Failure", "TSERVER", 1)]
    factories.make_record(event=4503, application="TSERVER")
    look()
    assert active() == []


def test_the_same_event_by_both_ways_counts_once_in_any_order(pair):
    first, second = tell(5024, pair[0]), Event(at=timezone.now(), number=5024, application=pair[1], text="Later.")
    look()
    recorded(first)
    recorded(second)
    look()
    second.save()
    look()
    assert active() == [("Application Failure", "MS_Backup", 1), ("Application Failure", "MS_Primary", 1)]


def test_of_what_its_server_publishes_by_itself_the_event_is_judged_whichever_comes_first(pair):
    """Of an alarm that a record raised nothing would be done, and of the event nothing more."""
    event = tell(5024, pair[0])
    Event.objects.filter(pk=event.pk).delete()
    recorded(event, attributes={"source": "server"})
    look()
    assert active() == []
    tell(5024, pair[0])
    look()
    assert active() == [("Application Failure", "MS_Primary", 1)]


def test_a_client_whose_record_says_to_be_of_the_timeline_raises_alarms_all_the_same():
    factories.make_record(event=5024, application="A_PROGRAM", at=int(timezone.now().timestamp() * 1000),
                          attributes={"source": "server", "login": "bench"})
    look()
    assert active() == [("Application Failure", "A_PROGRAM", 1)]


def test_the_record_of_what_was_cleared_raises_it_not_again(pair):
    event = tell(5024, pair[0])
    tell(5093, pair[0])
    look()
    recorded(event)
    look()
    assert active() == []


def test_the_record_of_a_host_is_not_an_alarm_about_the_console():
    event = tell(8000, host=factories.make_host("alpha"))
    recorded(event)
    look()
    assert active() == [("Host Unavailable", "alpha", 1)]


def test_records_about_a_pair_that_name_its_backup_are_left_out(pair):
    recorded(Event(at=timezone.now(), number=Own.OUT_OF_SYNC, application=pair[1], text="It goes on alone."))
    look()
    assert active() == []


def test_while_the_log_database_is_away_events_are_judged(pair, monkeypatch):
    def away(*args):
        raise DatabaseError("It is away.")

    monkeypatch.setattr(judging, "new_records", away)
    tell(5024, pair[0])
    look()
    assert active() == [("Application Failure", "MS_Primary", 1)]


def test_a_log_database_that_was_made_anew_is_gone_on_from_its_end():
    AlarmMark.objects.update(record_id=10**9)
    row = factories.make_record(event=5024)
    assert (look(), AlarmMark.objects.get().record_id, active()) == (False, row.pk, [])


def test_an_event_with_a_smaller_number_that_is_seen_later_is_judged(pair):
    late = tell(5024, pair[0])
    key = late.pk
    late.delete()
    tell(5022, pair[1])
    look()
    tell(5024, pair[0], pk=key)
    look()
    assert active() == [("Application Failure", "MS_Primary", 1)]


def test_many_are_judged_in_parts(pair, monkeypatch):
    monkeypatch.setattr(happened, "EVENTS_AT_ONCE", 3)
    monkeypatch.setattr(happened, "RECORDS_AT_ONCE", 2)
    for number in range(7):
        tell(5024, pair[0], ago_s=number)
    for number in range(5):
        factories.make_record(event=5024, application=f"P{number}")
    looks = 1
    while look():
        looks += 1
    # What is told of the alarms themselves comes after it.
    assert (looks, len(active())) == (5, 6)
    assert ("Application Failure", "MS_Primary", 7) in active()


def test_of_two_who_judge_at_once_one_writes(pair, monkeypatch):
    tell(5024, pair[0])
    stale = AlarmMark.objects.get()
    look()
    monkeypatch.setattr(judging, "_mark", lambda: stale)
    with pytest.raises(Moved):
        look()
    assert active() == [("Application Failure", "MS_Primary", 1)]


def test_it_survives_the_application_the_host_and_the_condition(pair):
    tell(5024, pair[0])
    look()
    Application.objects.all().delete()
    Host.objects.all().delete()
    AlarmCondition.objects.all().delete()
    [alarm] = Alarm.objects.all()
    assert (alarm.name, alarm.is_active) == ("Application Failure: MS_Primary", True)


def test_a_timeout_clears_and_old_ones_are_forgotten(pair, monkeypatch):
    tell(Own.DISK_SILENT, pair[0])
    look()
    end_old(timezone.now() + timedelta(hours=23))
    assert len(active()) == 1
    end_old(timezone.now() + timedelta(hours=25))
    assert (active(), Alarm.objects.get().cleared_how) == ([], AlarmEnd.TIMEOUT)
    monkeypatch.setattr(judging, "ENDED_KEPT", 0)
    end_old()
    assert not Alarm.objects.exists()


def test_what_is_about_a_pair_ends_when_the_pair_is_dissolved(pair):
    tell(Own.OUT_OF_SYNC, pair[0])
    tell(Own.GAVE_UP, pair[0])
    look()
    end_old()
    assert len(active()) == 2
    Application.objects.filter(pk=pair[0].pk).update(backup_server=None)
    end_old()
    assert Alarm.objects.get(number=Own.OUT_OF_SYNC).cleared_how == AlarmEnd.GONE
    assert Alarm.objects.get(number=Own.GAVE_UP).is_active


def test_programs_that_name_themselves_do_not_fill_it(pair, monkeypatch):
    monkeypatch.setattr(judging, "RECORDS_FILL", 3)
    monkeypatch.setattr(judging, "ACTIVE_MOST", 4)
    for number in range(5):
        factories.make_record(event=5024, application=f"P{number}")
    look()
    assert len(active()) == 3
    for number in (Own.DISK_SILENT, Own.CLOCK_OFF):
        tell(number, pair[0])
    look()
    assert len(active()) == 4


def test_what_somebody_has_to_look_at_raises_an_alarm():
    """Every own event of level Alarm has a condition, and no condition is about an own number that there is not."""
    detected = {each.detect for each in predefined.PREDEFINED.values()}
    assert {int(number) for number, kind in KINDS.items() if kind.level == ALARM} - OF_ALARMS <= detected
    assert {number for number in detected if number >= 20100} <= {int(number) for number in Own}


def test_predefined_ones_come_once_and_stay_as_they_were_changed():
    assert AlarmCondition.objects.exclude(predefined="").count() == len(predefined.PREDEFINED)
    AlarmCondition.objects.filter(predefined="failover").update(name="Took over", enabled=False)
    AlarmCondition.objects.filter(predefined="gap").delete()
    AlarmCondition.objects.create(name="Copy Begins Too Late", detect_event=1)
    predefined.provide()
    assert AlarmCondition.objects.filter(predefined="failover", enabled=False).get().name == "Took over"
    assert AlarmCondition.objects.get(predefined="gap").name == "Copy Begins Too Late (predefined)"


@pytest.mark.parametrize("stored", [{"seen": 7}, {"seen": ["x"]}, {"judged": 7}, {"judged": [["x"]]}])
def test_how_far_was_judged_is_read_from_whatever_is_stored(pair, stored):
    """A restored database, or one of another version, ends no log reader."""
    AlarmMark.objects.update(**stored)
    tell(5024, pair[0])
    look()
    assert active() == [("Application Failure", "MS_Primary", 1)]


def test_a_timeout_that_no_save_would_have_taken_is_the_longest(pair):
    AlarmCondition.objects.filter(name="Application Failure").update(cancel_timeout=2**31 - 1)
    tell(5024, pair[0])
    look()
    alarm = Alarm.objects.get()
    assert alarm.ends_at - alarm.raised_at == timedelta(days=365)
