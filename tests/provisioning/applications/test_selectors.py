"""Lists, the status report and events: what they show and what they cost."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from provisioning.applications.selectors.applications import SORTS, application_list, find_application, get_application
from provisioning.core.events import event_list
from provisioning.errors import NotFound
from provisioning.jobs.selectors.jobs import get_job, job_lines, job_list, usual_duration_s
from provisioning.jobs.selectors.readiness import why_not
from provisioning.models import Application, Event, Job, JobLine, JobStep, PairState, RuntimeStatus
from provisioning.monitoring.selectors.status import status_report
from provisioning.web.tables import JUDGED
from tests.factories import control_answers, make_application, make_host, make_job, make_pair

pytestmark = pytest.mark.django_db


def names(rows):
    return [row.name for row in rows]


def queries(work):
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


def show_page():
    rows = application_list(sort="status")[:50]
    why_not(rows, JUDGED)
    for row in rows:
        str((row.status, row.host and row.host.name, row.template.name, row.backup_server, row.is_primary,
             [port.port for port in row.ports.all()], getattr(row, "runtime", None), row.active_jobs))


def fill(host, count):
    for number in range(count):
        backup = make_application(host=host, ports={"default": 8000 + 2 * Application.objects.count()})
        row = make_application(host=host, status="Started", installed=True, backup_server=backup,
                               ports={"default": 8001 + 2 * Application.objects.count()})
        if number % 2:
            make_job(row)


def test_page_of_the_list_costs_the_same_at_1_and_30_rows():
    host = make_host("alpha")
    fill(host, 1)
    few = queries(show_page)
    fill(host, 14)
    assert queries(show_page) == few
    # Rows with what stands beside them, then what is judged of them: drill, packages, clients, pairs.
    assert few <= 8


def test_status_report_costs_the_same_at_1_and_30_rows():
    host = make_host("alpha")
    fill(host, 2)
    few = queries(status_report)
    fill(host, 14)
    assert queries(status_report) == few


def test_list_is_filtered():
    alpha, beta = make_host("alpha"), make_host("beta")
    make_application("MS_Primary", host=alpha, status="Started")
    make_application("MS_Backup", host=beta, status="Stopped")
    make_application("SCS_Main", host=beta, type="SCS", description="decides")
    assert names(application_list()) == ["MS_Backup", "MS_Primary", "SCS_Main"]
    assert names(application_list(text="ms_")) == ["MS_Backup", "MS_Primary"]
    assert names(application_list(text="alph")) == ["MS_Primary"]
    assert names(application_list(text="decide")) == ["SCS_Main"]
    assert names(application_list(type="SCS")) == ["SCS_Main"]
    assert names(application_list(host="beta", status="Stopped")) == ["MS_Backup"]


def test_status_is_known_whether_or_not_control_ever_heard_of_it():
    make_application("a")
    make_application("b", installed=True)
    make_application("c", status="Suspended")
    assert [(row.name, row.status) for row in application_list()] == [
        ("a", "Stopped"), ("b", "Unknown"), ("c", "Suspended")]


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_goes_both_ways(sort):
    host = make_host("alpha")
    make_application("a", host=host, status="Started", mode="Primary", enabled=False)
    make_application("b")
    assert set(names(application_list(sort=sort))) == {"a", "b"}
    assert set(names(application_list(sort=f"-{sort}"))) == {"a", "b"}


def test_sort_by_name_and_host():
    make_application("a", host=make_host("zeta"))
    make_application("b", host=make_host("beta"))
    make_application("c")
    assert names(application_list(sort="-name")) == ["c", "b", "a"]
    assert names(application_list(sort="host")) == ["b", "a", "c"]
    assert names(application_list(sort="-host")) == ["a", "b", "c"]
    assert names(application_list(sort="no such")) == ["a", "b", "c"]


def test_rows_by_key_and_name():
    row = make_application("MS")
    assert (get_application(row.pk), find_application("MS")) == (row, row)
    with pytest.raises(NotFound, match="named Nobody"):
        find_application("Nobody")
    with pytest.raises(NotFound):
        get_application(row.pk + 1)


def test_status_report_has_the_promised_shape():
    host = make_host("alpha")
    make_application("MS_Backup", host=host)
    row = make_application("MS_Primary", host=host, installed=True, ports={"default": 7001})
    RuntimeStatus.objects.create(application=row, status="Started", mode="Primary", epoch=3, pid=4711, last_seq=12,
                                 digest="ab", clients=2)
    control_answers(ago_s=4)
    report = status_report()
    assert set(report) == {"applications", "hosts", "pairs", "jobs", "certificate", "console", "control"}
    first = report["applications"][1]
    assert {key: first[key] for key in ("name", "type", "host", "status", "mode", "epoch", "pid", "version",
                                        "working_directory", "ports", "last_seq", "digest")} == {
        "name": "MS_Primary", "type": "MessageServer", "host": "alpha", "status": "Started", "mode": "Primary",
        "epoch": 3, "pid": 4711, "version": "8.5.100.01", "working_directory": row.working_directory,
        "ports": [{"id": "default", "port": 7001, "protocol": "", "ha_sync": False}], "last_seq": 12, "digest": "ab"}
    assert {key: first[key] for key in ("in_sync", "lag", "link", "common_seq", "discarded")} == {
        "in_sync": None, "lag": None, "link": "", "common_seq": 0, "discarded": 0}
    assert report["pairs"] == []
    assert report["applications"][0]["status"] == "Stopped"
    assert (report["hosts"][0]["name"], report["hosts"][0]["status"]) == ("alpha", "Running")
    assert report["hosts"][0]["last_seen_s"] < 5
    assert 4 <= report["console"]["control"] < 9


def test_status_report_tells_of_a_pair_and_of_both_copies():
    primary, backup = make_pair(paused_by="otto", since=timezone.now() - timedelta(hours=2))
    RuntimeStatus.objects.filter(application=primary).update(last_seq=130)
    RuntimeStatus.objects.filter(application=backup).update(last_seq=121, discarded=7)
    since = PairState.objects.get().since
    report = status_report()
    age = {name: report["control"][name] for name in ("as_of", "age_s")}
    assert report["pairs"] == [{
        "primary": "MS_Primary", "backup": "MS_Backup", "redundancy_type": "warm standby", "active": "MS_Primary",
        "epoch": 3, "version": 5, "in_sync": True, "automatic_failover": True,
        "reason": "MS_Primary was granted the role.", "since": since.isoformat(), "lag": 10, "common_seq": 120,
        "digests_equal": True, "known": True, "disputed": False, **age,
        "decided": "Control's last decision, 2 h 0 min ago: MS_Primary was granted the role."}]
    copies = {row["name"]: [row[key] for key in ("in_sync", "link", "lag", "last_seq", "common_seq", "digest",
                                                 "discarded")] for row in report["applications"]}
    assert copies == {"MS_Primary": [True, "synced", 0, 130, 120, "d120", 0],
                      "MS_Backup": [True, "synced", 10, 121, 120, "d120", 7]}


@pytest.mark.parametrize(("change", "expected"), [
    ({"common_digest": "other"}, False), ({"common_seq": 119}, None), ({"common_digest": ""}, None),
    ({"first_seq": 1}, True), ({"first_seq": 0}, True), ({"first_seq": 121}, False)])
def test_copies_are_compared_at_one_record_only(change, expected):
    primary, backup = make_pair()
    RuntimeStatus.objects.filter(application=primary).update(first_seq=1)
    RuntimeStatus.objects.filter(application=backup).update(**change)
    assert status_report()["pairs"][0]["digests_equal"] is expected


def test_a_pair_in_dispute_says_so_with_the_way_out_and_not_with_a_decision(capsys):
    make_pair(in_sync=False, disputed=True, reason="Look under Restored Database.",
              since=timezone.now() - timedelta(hours=2))
    [found] = status_report()["pairs"]
    assert (found["disputed"], found["in_sync"], found["decided"]) == (True, False, "Look under Restored Database.")
    call_command("status")
    out = capsys.readouterr().out
    assert "DISPUTED" in out
    assert "MS_Primary and MS_Backup: Look under Restored Database." in out


def test_pair_that_control_never_heard_of_claims_nothing():
    make_pair(status=None, record=False)
    found = status_report()["pairs"][0]
    assert {key: found[key] for key in ("active", "epoch", "in_sync", "automatic_failover", "since", "lag",
                                        "common_seq", "digests_equal")} == {
        "active": "", "epoch": 0, "in_sync": None, "automatic_failover": True, "since": None, "lag": None,
        "common_seq": 0, "digests_equal": None}


def test_status_command_shows_pairs_in_a_table(capsys):
    make_pair(automatic_failover=False, since=timezone.now() - timedelta(hours=2))
    call_command("status")
    lines = capsys.readouterr().out.splitlines()
    head = next(index for index, line in enumerate(lines) if line.startswith("Primary"))
    assert lines[head].split() == ["Primary", "Backup", "Active", "Epoch", "In", "Sync", "Lag", "Digests", "Failover"]
    assert lines[head + 1].split() == ["MS_Primary", "MS_Backup", "MS_Primary", "3", "yes", "0", "equal", "paused"]
    assert lines[head + 2] == (
        "MS_Primary and MS_Backup: Control's last decision, 2 h 0 min ago: MS_Primary was granted the role.")


def test_host_that_was_never_heard_has_no_age():
    make_host("alpha", status=None)
    assert status_report()["hosts"] == [
        {"name": "alpha", "status": "Unknown", "last_seen_s": None, "reason": "", "worker_alive": None,
         "known": False, "as_of": None, "age_s": None, "last_known": None}]


def test_jobs_are_listed_active_first_then_newest():
    one, two = make_application("One", host=make_host("alpha")), make_application("Two", host=make_host("beta"))
    old = make_job(one, state="running")
    done = make_job(two, state="failed", kind="stop")
    newest = make_job(two, state="succeeded", kind="install")
    assert list(job_list()) == [old, newest, done]
    assert list(job_list(state="active")) == [old]
    assert list(job_list(state="failed")) == list(job_list(kind="stop")) == [done]
    assert list(job_list(host="alpha")) == list(job_list(application="One")) == [old]
    assert get_job(str(old.pk)) == old
    for key in ("x", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(NotFound):
            get_job(key)


def test_log_lines_are_read_on_from_an_offset():
    job = make_job(make_application(host=make_host()))
    JobLine.objects.bulk_create(JobLine(job=job, number=n, at=timezone.now(), text=str(n)) for n in range(1, 11))
    assert [line.number for line in job_lines(job, after=3, limit=4)] == [4, 5, 6, 7]
    assert job_lines(job, after=10) == []


def test_usual_duration_is_the_median_of_what_succeeded():
    assert usual_duration_s("start") is None
    row, now = make_application(host=make_host()), timezone.now()
    for seconds, state in ((1, "succeeded"), (2, "succeeded"), (9, "succeeded"), (500, "failed")):
        make_job(row, state=state, started_at=now, finished_at=now + timedelta(seconds=seconds))
    assert usual_duration_s("start") == 2
    assert (Job.objects.count(), JobStep.objects.count()) == (4, 8)


def test_events_are_filtered_newest_first():
    row, host, now = make_application("MS"), make_host("alpha"), timezone.now()
    first = Event.objects.create(at=now, number=5022, application=row, text="MS started.")
    second = Event.objects.create(at=now, number=8001, host=host, level="alarm", text="Host is up.")
    assert list(event_list()) == [second, first]
    for filters in ({"application": "MS"}, {"number": 5022}, {"text": "START"}):
        assert list(event_list(**filters)) == [first]
    assert list(event_list(host="alpha")) == list(event_list(level="alarm")) == [second]


def test_what_concerns_a_pair_is_told_once():
    primary, backup = make_pair(status=None)
    now = timezone.now()
    for row in (primary, backup):
        Event.objects.create(at=now, number=20102, application=row, text="MS_Backup is the active server.")
        Event.objects.create(at=now, number=5022, application=row, text="started")
    assert [(event.application.name, event.number) for event in event_list()] == [
        ("MS_Backup", 5022), ("MS_Primary", 5022), ("MS_Primary", 20102)]
    assert [event.number for event in event_list(application="MS_Backup")] == [5022, 20102]


def test_jobs_and_events_are_found_by_a_part_of_a_name():
    """As the list of applications is, whatever case and accents; a whole name finds that one alone."""
    rows = {name: make_application(name, host=make_host(f"{name}.example.org"))
            for name in ("Zürich_1", "Zürich_10", "Bern")}
    jobs = {name: make_job(row) for name, row in rows.items()}
    events = {name: Event.objects.create(at=timezone.now(), application=row, host=row.host, text="It was started.")
              for name, row in rows.items()}

    def found(work, **chosen):
        return {row.application.name for row in work(**chosen)}

    for text, wanted in (("zurich", {"Zürich_1", "Zürich_10"}), ("Zürich_1", {"Zürich_1"}), ("nowhere", set()),
                         ("ERN", {"Bern"})):
        assert found(job_list, application=text) == found(event_list, application=text) == wanted
    for text, wanted in (("ZÜRICH", {"Zürich_1", "Zürich_10"}), ("Zürich_1.example.org", {"Zürich_1"})):
        assert found(job_list, host=text) == found(event_list, host=text) == wanted
        assert {row.name for row in application_list(host=text)} == wanted
    assert jobs.keys() == events.keys()


def test_a_host_without_jobs_has_not_those_of_another_one():
    make_host("ms-1")
    make_job(make_application(host=make_host("ms-10")))
    assert not job_list(host="ms-1").exists()
    assert job_list(host="ms-").count() == 1


def test_what_concerns_a_pair_is_told_once_when_a_part_of_both_names_is_asked_for():
    primary, backup = make_pair()
    for row in (primary, backup):
        Event.objects.create(at=timezone.now(), application=row, number=20102, text="Roles changed.")
    assert [event.application for event in event_list(application="ms_")] == [primary]
    assert [event.application for event in event_list(application="ackup")] == [backup]
