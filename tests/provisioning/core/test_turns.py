"""Long work writes in turns: the mechanism, and that everything which may write much goes through it."""

import ast
import io
import sqlite3
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bench.audit import fill
from console.celery import app
from provisioning import turns
from provisioning.accounts.services import users
from provisioning.applications.services import applications
from provisioning.audit.worker import affected as audit_changes
from provisioning.audit.worker import run as audits
from provisioning.catalog.services import packages
from provisioning.fleet.services import batches
from provisioning.history import history
from provisioning.history import restore as restoring
from provisioning.hosts.services import hosts
from provisioning.jobs.worker import reaper, reports
from provisioning.looks import worker as looks
from provisioning.models import (
    Application,
    AuditRun,
    Connection,
    Event,
    HistoryEntry,
    Host,
    InstallationPackage,
    JobReport,
    ListeningPort,
    PairAudit,
)
from provisioning.states import AuditTrigger, JobKind
from provisioning.turns import delete_in_turns, write_in_turns
from provisioning.web.tables import APPLICATIONS, SOME
from tests.factories import ADMINISTRATOR, make_application, make_host, make_job, make_template
from tests.provisioning.catalog.test_packages import archive
from tests.sources import sources
from tests.transactions import slow_turns, watched, within

# --- the mechanism


class Clock:
    """Time that passes while something is written, and the pauses that were made."""

    def __init__(self, item_s):
        self.now, self.item_s, self.pauses = 0.0, item_s, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)


@pytest.fixture
def clock(monkeypatch):
    def clock(item_s=0.0):
        found = Clock(item_s)
        monkeypatch.setattr(turns, "time", found)
        return found
    return clock


def sizes(clock, items, **options):
    """How many were written in each turn."""
    def write(some):
        clock.now += clock.item_s * len(some)
        return len(some)
    return write_in_turns(range(items), write, **options)


@pytest.mark.django_db
class TestTurns:
    @pytest.mark.parametrize(("item_s", "expected"), [
        (0.0, [10, 40, 160, 640, 2000, 150]), (0.001, [10, 40, 100, 100, 100]), (0.01, [10, 10, 10]),
        (0.05, [10, 2, 2, 2]), (0.5, [10, 1, 1, 1])])
    def test_a_turn_takes_as_much_as_fits_into_a_tenth_of_a_second(self, clock, item_s, expected):
        assert sizes(clock(item_s), sum(expected)) == expected

    def test_no_turn_takes_more_than_was_said(self, clock):
        assert sizes(clock(), 70, most=20) == [10, 20, 20, 20]
        assert sizes(clock(), 7, most=3) == [3, 3, 1]

    def test_nothing_is_no_turn(self, clock):
        assert sizes(clock(), 0) == []

    def test_what_was_written_before_a_turn_that_fails_stays(self):
        def write(some):
            Event.objects.bulk_create(Event(at=timezone.now(), text=str(number)) for number in some)
            if 12 in some:
                raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            write_in_turns(range(30), write)
        assert Event.objects.count() == 10

    def test_rows_are_deleted_with_what_hangs_on_them(self, clock):
        clock(0.01)
        host = make_host()
        for number in range(25):
            make_application(f"MS{number}", host=host, ports={"default": number + 1})
        make_application("Other", host=host, ports={"default": 99})
        assert delete_in_turns(Application.objects.filter(name__startswith="MS")) == 25
        assert (Application.objects.get().name, ListeningPort.objects.count()) == ("Other", 1)


@pytest.mark.django_db(transaction=True)
class TestLettingOthersIn:
    def test_after_a_tenth_of_a_second_others_are_let_in(self, clock):
        found = clock(0.01)
        sizes(found, 40)
        assert found.pauses == ([turns.LET_IN_S] * 3 if connection.vendor == "sqlite" else [])

    def test_short_turns_need_no_pause(self, clock):
        found = clock(0.0001)
        assert (len(sizes(found, 300)), found.pauses) == (4, [])

    def test_what_is_told_after_a_commit_keeps_nobody_out_and_does_not_count(self, clock):
        found = clock(0.001)

        def write(some):
            found.now += found.item_s * len(some)
            transaction.on_commit(lambda: setattr(found, "now", found.now + 5.0))
            return len(some)

        assert write_in_turns(range(350), write) == [10, 40, 100, 100, 100]

    def test_the_pause_is_longer_than_anybody_who_waits_does_not_ask(self):
        # SQLite's busy handler asks again after 1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100, 100, ... ms.
        assert turns.LET_IN_S > 0.1

    def test_work_in_turns_within_a_transaction_would_be_one_turn_and_is_refused(self):
        with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
            write_in_turns([1], lambda some: None)

    def test_somebody_who_waits_gets_in_between_two_turns(self, locked):
        """A real second connection, which asks as SQLite does."""
        asked, got = threading.Event(), []

        def other():
            waiting = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=30)
            asked.set()
            waiting.execute("BEGIN IMMEDIATE")
            got.append(len(written))
            waiting.execute("ROLLBACK")
            waiting.close()

        written, thread = [], threading.Thread(target=other)

        def write(some):
            Event.objects.bulk_create(Event(at=timezone.now(), text="x") for _ in some)
            if not written:
                thread.start()
                asked.wait(10)
            until = time.monotonic() + 0.01 * len(some)
            while time.monotonic() < until:
                pass
            written.append(some)

        write_in_turns(range(200), write, most=10)
        thread.join(30)
        assert len(written) >= 20
        assert got[0] <= 5


# --- whatever may write much: with many objects it is many transactions, none of which grows


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
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} == {
        "provisioning.audit_everything", "provisioning.audit_changes", "provisioning.reap_jobs",  # above
        "provisioning.look_around",  # one small transaction a host
        "console.keep_drills",  # one drill at a time
        "console.keep_sign_ins",  # sign_in_story.MOST entries; what is removed goes in turns
        "provisioning.keep_broker_accounts", "provisioning.heartbeat"}  # a row


def test_deleting_many_says_how_far_it_came_when_somebody_gets_in_the_way(many, monkeypatch):
    entered = []
    delete = applications._delete

    def with_somebody_else(actor, keys, reason, control):
        if len(entered) == 2:
            Connection.objects.create(application=make_application("Client"), server_id=keys[0])
        entered.append(keys)
        return delete(actor, keys, reason, control)

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


# --- what takes long is done before the transaction


def test_the_watch_sees_what_a_transaction_does_besides(db, tmp_path):
    with watched() as seen:
        with transaction.atomic():
            Event.objects.create(at=timezone.now(), text="x")
            (tmp_path / "file").write_text("x")
        (tmp_path / "other").write_text("x")
        Event.objects.update(text="y")
    assert [(held.rows, len(held.elsewhere)) for held in seen.found] == [(1, 1), (1, 0)]
    assert "file, within the transaction of test_turns.py" in seen.elsewhere[0]


@pytest.fixture
def packages_dir(settings, tmp_path):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"


def test_a_package_is_read_before_its_row_is_written(db, packages_dir):
    with watched() as seen:
        row = packages.import_package(actor=ADMINISTRATOR, file_name="ip.tar.gz", stream=io.BytesIO(archive()))
    assert (seen.elsewhere, len(seen.found)) == ([], 1)
    body = history.snapshot(row)
    InstallationPackage.objects.all().delete()
    history.record(actor=ADMINISTRATOR, row=row, before=body, after=None)
    entry = HistoryEntry.objects.first()
    with watched() as seen:
        restoring.restore(actor=ADMINISTRATOR, number=entry.number, revision=0)
    assert (InstallationPackage.objects.get().sha256, seen.elsewhere) == (row.sha256, [])


def test_a_password_is_hashed_before_its_row_is_written(db, monkeypatch):
    seen = []
    monkeypatch.setattr(users, "make_password", lambda password: seen.append(within()) or "hash")
    with watched():
        user, _ = users.create_user(actor=ADMINISTRATOR, name="sue", roles=["Support"])
        users.reset_password(actor=ADMINISTRATOR, user_id=user.pk)
    assert seen == [False, False]


# --- every transaction says what bounds it

BOUNDS = {
    # one object, with what belongs to it
    "applications/services/applications.py": {
        "create_application", "update_application", "clone_application", "_constraints"},
    "hosts/services/hosts.py": {"create_host", "update_host", "delete_host"},
    "catalog/services/templates.py": {"keep_template", "create_template", "update_template", "delete_template"},
    "catalog/services/packages.py": {"_add", "delete_package"},
    "accounts/services/users.py": {"_create_user", "set_roles", "set_enabled", "_reset_password", "unlock",
                          "unlock_address",  # the names tried at one address
                          "_choose"},
    "accounts/services/locked_tries.py": {"_tell", "_tell_first"},  # sign_in_story.MOST entries
    "accounts/services/sign_in.py": {"_let_in", "_failed", "signed_out_by",
                            "tell_and_forget"},  # sign_in_story.ROWS_AT_ONCE rows, sign_in_story.MOST entries
    "hosts/services/enrolment.py": {"make_token", "revoke_tokens", "spend", "leave", "note_stage"},
    "hosts/services/ssh_joining.py": {"begin"},
    "pairs/services/synchronize.py": {"apply_plan", "declare_exception", "withdraw_exception"},
    "audit/services/waivers.py": {"waive", "withdraw", "_replace"},
    "drills/services/drills.py": {"start_drill", "cancel_drill", "set_schedule"},
    "verbs/services/jobs.py": {"cancel_job", "_create"},
    "verbs/services/log_on.py": {"choose_account"},
    "monitoring/services/health.py": {"_write"},
    "core/database.py": {"_begin"},
    "drills/worker/row.py": {"finish"},
    "looks/worker.py": {"look_at"},
    "audit/worker/affected.py": {"_moved"},
    # an entry of history
    "support/services/bundle.py": {"make_bundle"},
    "history/history.py": {"atomic", "_add"},
    # what one report holds (reports.MAX_ITEMS), and so many that waited for it (reports.WAITING_A_TURN)
    "jobs/worker/reports.py": {"_record", "_apply", "catch_up"},
    # what a turn holds (turns)
    "turns.py": {"turn"},
    "fleet/services/apply.py": {"_write"},
}
"""Every function that opens a transaction, by what bounds it. A new one that works on many objects is written in turns
(``provisioning.turns``) and watched above."""
BOUNDS["applications/services/applications.py"] |= {"_set_enabled", "_delete"}  # what a turn holds


def test_every_transaction_says_what_bounds_it():
    found: dict[str, set[str]] = {}
    for path, text in sources("provisioning").items():
        if "/migrations/" in path or path.endswith("/guard.py"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and _opens(node):
                found.setdefault(path.removeprefix("provisioning/"), set()).add(node.name)
    assert found == BOUNDS


def _opens(function: ast.FunctionDef) -> bool:
    """True when it begins a transaction itself, not in a function within it."""
    parts = [*function.decorator_list, *function.body]
    return any(isinstance(node, ast.Attribute) and node.attr == "atomic" for part in parts
               if not isinstance(part, ast.FunctionDef) for node in ast.walk(part))
