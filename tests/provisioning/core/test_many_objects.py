"""Whatever may write much is, with many objects, many transactions, none of which grows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bench.audit import fill
from console.schedule import DUTIES
from provisioning.applications.services import applications
from provisioning.audit.worker import affected as audit_changes
from provisioning.audit.worker import run as audits
from provisioning.fleet.services import batches
from provisioning.hosts.services import hosts
from provisioning.jobs.worker import reaper, reports
from provisioning.looks import worker as looks
from provisioning.models import Application, AuditRun, Connection, HistoryEntry, Host, JobReport, PairAudit
from provisioning.states import AuditTrigger, JobKind
from provisioning.web.tables import APPLICATIONS, SOME
from tests.factories import ADMINISTRATOR, make_application, make_host, make_job, make_template
from tests.transactions import slow_turns, watched

PAIRS = 60
TURNS_TAKE = 10
"""So many items at most, when they are slow."""


@pytest.fixture
def pairs(db, no_broker, no_control):
    fill(0, PAIRS)


@pytest.fixture
def many(db, no_broker, no_control):
    """Applications in pairs, each pair the client of the one before, installed and stopped; keys in no order."""
    host, template, made = make_host(), make_template(), []
    for number in range(0, 2 * PAIRS, 2):
        backup, primary = (make_application(f"MS{n}", host=host, template=template, status="Stopped", installed=True,
                                            ports={"default": 7000 + n}) for n in (number, number + 1))
        Application.objects.filter(pk=primary.pk).update(backup_server=backup)
        if made:
            Connection.objects.create(application=primary, server_id=made[-1])
        made += [backup.pk, primary.pk]
    return made[::-1][::2] + made[::2]


def audit():
    return audits.run_audit(trigger=AuditTrigger.SCHEDULE)


def audit_anew():
    audit()
    Application.objects.update(auto_restart=False)
    with watched() as seen:
        audit()
    return seen


def forget_audits():
    audit()
    PairAudit.objects.update(is_latest=False)
    with watched() as seen:
        audits.forget_old(timezone.now() + timedelta(days=1000))
    assert (PairAudit.objects.count(), AuditRun.objects.count()) == (0, 0)
    return seen


def retire_audits():
    audit()
    Application.objects.update(backup_server=None, type="GenericServer")
    with watched() as seen:
        audit()
    assert not PairAudit.objects.filter(is_latest=True).exists()
    return seen


def seen_of(work):
    with watched() as seen:
        work()
    return seen


OF_PAIRS = {
    "audit": lambda: seen_of(audit), "audit anew": audit_anew, "forgetting audits": forget_audits,
    "retiring audits": retire_audits, "audit of changes": lambda: seen_of(audit_changes.audit_affected),
}


@pytest.mark.parametrize("name", OF_PAIRS)
def test_the_audit_of_many_pairs_is_many_transactions(pairs, monkeypatch, name):
    slow_turns(monkeypatch)
    seen = OF_PAIRS[name]()
    assert seen.rows <= TURNS_TAKE * 25, seen.found
    assert len(seen.found) >= PAIRS / TURNS_TAKE


def reap(keys):
    for key in keys:
        make_job(Application.objects.get(pk=key), kind=JobKind.START, state="running")
    with watched() as seen:
        assert reaper.reap(timezone.now() + timedelta(hours=1)) == len(keys)
    return seen


def nothing_to_reap(keys):
    for key in keys:
        make_job(Application.objects.get(pk=key), kind=JobKind.START, state="running")
    with watched() as seen:
        reaper.reap()
    assert len(seen.found) <= 3, "a look takes the database only where something is to be written"
    return seen


def left_over_reports(keys):
    job = make_job(Application.objects.get(pk=keys[0]), state="failed")
    JobReport.objects.bulk_create(JobReport(job=job, seq=number, body={}) for number in range(500))
    return seen_of(lambda: reaper.reap(timezone.now()))


def waiting_reports(keys):
    job = make_job(Application.objects.get(pk=keys[0]), state="running")
    now = timezone.now().timestamp()
    JobReport.objects.bulk_create(JobReport(job=job, seq=number, body={
        "kind": "log", "seq": number, "received": now, "lines": [[now, "info", "x"]] * 4}) for number in range(1, 300))
    with watched() as seen:
        reports.catch_up(job.pk)
    job.refresh_from_db()
    assert (job.last_seq, job.waiting_reports.count(), job.lines.count()) == (299, 0, 1196)
    return seen


MANY = {
    "enable": lambda keys: applications.set_enabled(actor=ADMINISTRATOR, application_ids=keys, enabled=True),
    "disable": lambda keys: applications.set_enabled(actor=ADMINISTRATOR, application_ids=keys, enabled=False),
    "delete": lambda keys: applications.delete_applications(actor=ADMINISTRATOR, application_ids=keys),
    "start": lambda keys: batches.start_applications(actor=ADMINISTRATOR, application_ids=keys),
    "stop": lambda keys: batches.stop_applications(actor=ADMINISTRATOR, application_ids=keys),
    "stop-gracefully": lambda keys: batches.stop_applications(actor=ADMINISTRATOR, application_ids=keys, graceful=True),
    "install": lambda keys: batches.install_applications(actor=ADMINISTRATOR, application_ids=keys),
    "a look that finds much": lambda keys: looks.look_at(Host.objects.get()),
    "a host with many applications is changed": lambda keys: hosts.check_host(
        draft=hosts.HostDraft(name="other", ip_address="192.0.2.1", lca_port=4998), host_id=Host.objects.get().pk),
}
WATCHED = {"reaping": reap, "reaping nothing": nothing_to_reap, "reports that nobody wants": left_over_reports,
           "reports that waited": waiting_reports}
OF_MANY = {**{name: lambda keys, work=work: seen_of(lambda: work(keys)) for name, work in MANY.items()}, **WATCHED}
ROWS_AN_ITEM = 15
"""An application goes with its ports, options, connections, status and history; a job has steps."""


@pytest.mark.parametrize("name", OF_MANY)
def test_a_verb_on_many_applications_is_many_transactions(many, monkeypatch, name):
    slow_turns(monkeypatch)
    seen = OF_MANY[name](many)
    most = reports.WAITING_A_TURN * 7 if name == "reports that waited" else TURNS_TAKE * ROWS_AN_ITEM
    assert seen.rows <= most, seen.found
    assert seen.elsewhere == []


def test_every_verb_of_the_list_is_watched():
    assert {action.verb for action in APPLICATIONS.actions if action.needs == SOME} <= MANY.keys()


def test_everything_that_comes_up_by_itself_is_known_here():
    """A new one: watch it above when it may write much, and say here what it writes."""
    assert {duty.work.__name__ for duty in DUTIES} == {
        "audit_everything", "audit_changes", "reap_jobs",  # above
        "look_around",  # one small transaction a host
        "keep_drills",  # one drill at a time
        "end_more_detail",  # one application at a time
        "keep_sign_ins",  # sign_in_story.MOST entries; what is removed goes in turns
        "keep_tokens",  # tokens.AT_ONCE
        "keep_answers",  # goes in turns
        "keep_broker_accounts", "ask_for_heartbeat"}  # a row


def test_deleting_many_says_how_far_it_came_when_somebody_gets_in_the_way(many, monkeypatch):
    entered = []
    delete = applications._delete

    def with_somebody_else(actor, keys, *rest):
        if len(entered) == 2:
            Connection.objects.create(application=make_application("Client"), server_id=keys[0])
        entered.append(keys)
        return delete(actor, keys, *rest)

    monkeypatch.setattr(applications, "_delete", with_somebody_else)
    slow_turns(monkeypatch)
    with pytest.raises(applications.Refused) as caught:
        applications.delete_applications(actor=ADMINISTRATOR, application_ids=many)
    gone = len(many) - Application.objects.count()
    assert 0 < gone < len(many)
    assert str(caught.value).startswith(f"{gone} of {len(many)} applications were deleted; the rest is there.")
    assert "Client connects to it" in str(caught.value)
    assert HistoryEntry.objects.filter(action="deleted").count() == gone


def test_what_is_deleted_with_its_partners_is_kept_whole_in_history(many, monkeypatch):
    slow_turns(monkeypatch)
    applications.delete_applications(actor=ADMINISTRATOR, application_ids=many)
    bodies = [entry.before for entry in HistoryEntry.objects.filter(action="deleted")]
    assert sum(bool(body["backup_server"]) for body in bodies) == PAIRS
    assert sum(len(body["connections"]) for body in bodies) == PAIRS - 1
    assert not HistoryEntry.objects.filter(action="changed").exists()


def test_servers_that_connect_in_a_circle_go_together(db, no_control):
    rows = [make_application(f"MS{number}") for number in range(4)]
    for one, other in ((0, 1), (1, 2), (2, 0), (3, 2)):
        Connection.objects.create(application=rows[one], server=rows[other])
    keys = [row.pk for row in rows]
    assert applications._deletable(applications._rows(keys)) == [[keys[3]], keys[:3]]
    assert applications.delete_applications(actor=ADMINISTRATOR, application_ids=keys) == 4
