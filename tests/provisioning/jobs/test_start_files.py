"""The jobs that look after start files, and what is known of the files afterwards."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hostagent.jobs import startfiles
from protocol.jobs import STEPS
from provisioning.applications.selectors.applications import application_list, get_application
from provisioning.errors import NotAllowed, Refused
from provisioning.jobs.selectors.start_files import NAMES, files_of, start_files
from provisioning.models import Application, Job
from provisioning.verbs.services import jobs as services
from tests.factories import ADMINISTRATOR, OPERATOR, SUPPORT, make_application, make_host, make_job

pytestmark = pytest.mark.django_db

SEEN = {"run.sh": "a" * 64, "startServer.bat": ""}


@pytest.fixture
def row():
    return make_application("MS", host=make_host("alpha"), installed=True, log_on_as="gcti")


def facts_of(row, settings, **changes):
    """What a host reports of files that lack -app, and of one that is not there."""
    file = {"name": "run.sh", "present": True, "problem": "", "content": "./MessageServer -host h", "sha256": "a" * 64,
            "size": 23, "mode": "0755", "owner": "gcti", "modified_at": 1_700_000_000.5, "expected": "…",
            "expected_mode": "0750", "expected_owner": "gcti", "differs": ["content", "mode"], "equal": False,
            "starts": False, "sentence": "In run.sh: -app is missing.", "diff": "-old\n+new",
            "parameters": [{"name": "-host", "expected": "h", "found": "h", "state": "right"},
                           {"name": "-app", "expected": "MS", "found": "", "state": "missing"}]}
    return {"application": row.name, "directory": row.working_directory, "checked_at": 1, "equal": False,
            "starts": False, "files": [file, {"name": "startServer.bat"}],
            "configuration_server": {"host": settings.PAIRWISE_CONTROL_HOST, "port": settings.PAIRWISE_CONTROL_PORT},
            **changes}


def done(row, facts, *, kind="check_start_files", ago_s=0, **fields):
    at = timezone.now() - timedelta(seconds=ago_s)
    return make_job(row, kind=kind, **{"state": "succeeded", "finished_at": at, "result": {"start_files": facts},
                                       "arguments": {"directory": row.working_directory}, **fields})


def known(row):
    return start_files([get_application(row.pk)]).get(row.pk)


def test_a_check_says_where_and_for_whom(row, settings):
    job = services.check_start_files(actor=OPERATOR, application_id=row.pk)
    assert job.arguments == {
        "directory": row.working_directory, "log_on_as": "gcti",
        "configuration_server": {"host": settings.PAIRWISE_CONTROL_HOST, "port": settings.PAIRWISE_CONTROL_PORT}}
    assert tuple(job.steps.values_list("name", flat=True)) == STEPS["check_start_files"]
    assert str(job) == "Check start files MS"


def test_a_repair_says_which_files_were_shown(row, settings):
    done(row, facts_of(row, settings))
    job = services.repair_start_files(actor=ADMINISTRATOR, application_id=row.pk, seen=SEEN)
    assert job.arguments["seen"] == SEEN
    assert tuple(job.steps.values_list("name", flat=True)) == STEPS["repair_start_files"]


@pytest.mark.parametrize("seen", [{}, {"run.sh": "x"}, {"run.sh": None}])
def test_a_repair_needs_a_check_first(row, seen):
    with pytest.raises(Refused, match="Check the start files of MS first"):
        services.repair_start_files(actor=ADMINISTRATOR, application_id=row.pk, seen=seen)


def test_operators_check_and_only_administrators_repair(row):
    with pytest.raises(NotAllowed):
        services.check_start_files(actor=SUPPORT, application_id=row.pk)
    with pytest.raises(NotAllowed):
        services.repair_start_files(actor=OPERATOR, application_id=row.pk, seen=SEEN)
    job = make_job(row, kind="repair_start_files", state="running")
    with pytest.raises(NotAllowed):
        services.cancel_job(actor=OPERATOR, job_id=job.pk)


def test_what_is_not_installed_has_no_start_files_and_what_is_disabled_has():
    row = make_application("MS", host=make_host(), enabled=False)
    with pytest.raises(Refused, match="not installed yet"):
        services.check_start_files(actor=OPERATOR, application_id=row.pk)
    Application.objects.update(working_directory="/srv/ms", command_line="./MessageServer")
    assert services.check_start_files(actor=OPERATOR, application_id=row.pk).kind == "check_start_files"


def test_a_job_at_a_time(row):
    make_job(row, state="running")
    with pytest.raises(Refused, match="Another job works on MS"):
        services.check_start_files(actor=OPERATOR, application_id=row.pk)


@pytest.mark.parametrize(("kind", "arguments"), [("check_start_files", {}), ("repair_start_files", {"seen": SEEN})])
def test_a_job_that_failed_can_be_run_again(row, kind, arguments, settings):
    done(row, facts_of(row, settings))
    old = make_job(row, kind=kind, state="failed", arguments=arguments)
    new = services.retry_job(actor=ADMINISTRATOR, job_id=old.pk)
    assert (new.retry_of, new.kind, new.arguments.get("seen")) == (old, kind, arguments.get("seen"))


# --- what is known afterwards


def test_the_newest_findings_count_whatever_job_made_them(row, settings):
    assert known(row) is None
    done(row, facts_of(row, settings), kind="install", ago_s=30)
    newest = done(row, facts_of(row, settings), ago_s=20)
    done(row, {}, state="failed", ago_s=1)
    done(row, {}, kind="start", result={})
    found = known(row)
    assert (found.job_id, found.checked_at, found.kind) == (newest.pk, newest.finished_at, "check_start_files")
    assert (found.equal, found.starts, found.outdated) == (False, False, "")
    assert found.run_sh.missing == ("-app",)
    assert (found.run_sh.modified_at.year, found.run_sh.differs) == (2023, ("content", "mode"))
    assert found.seen == SEEN


def test_findings_about_another_name_host_directory_or_server_are_outdated(row, settings):
    done(row, facts_of(row, settings))
    Application.objects.update(name="MS_New")
    assert known(row).outdated == ("Since then MS_New has another name (MS_New instead of MS). Check the start files "
                                   "again.")
    Application.objects.update(name="MS", working_directory="/srv/elsewhere")
    assert "another directory (/srv/elsewhere instead of" in known(row).outdated
    Application.objects.update(working_directory=row.working_directory)
    settings.PAIRWISE_CONTROL_PORT = 2121
    assert "another Configuration Server (" in known(row).outdated


def test_a_directory_behind_a_link_is_the_one_that_was_asked_for(row, settings):
    done(row, facts_of(row, settings, directory="/data/ms"))
    assert known(row).outdated == ""


@pytest.mark.parametrize("facts", [None, 7, [], {}, {"files": 3}, {"files": [3, {"name": 4}]}, {"files": [{
    "name": "run.sh", "modified_at": "x", "differs": 3, "parameters": [1, {}], "mode": 5, "equal": "yes"}]}])
def test_a_report_that_is_none_does_no_harm(row, facts):
    done(row, facts)
    found = known(row)
    assert found is None or not (found.equal or found.starts)


def test_many_applications_cost_three_queries(settings):
    host = make_host("alpha")

    def asked():
        rows = list(application_list())
        with CaptureQueriesContext(connection) as captured:
            found = start_files(rows)
        return len(captured), len(found)

    def fill(count):
        for number in range(count):
            row = make_application(host=host, installed=True)
            done(row, facts_of(row, settings))
            if number % 2:
                done(row, facts_of(row, settings), ago_s=9)

    fill(1)
    assert asked() == (3, 1)
    fill(9)
    assert asked() == (3, 10)
    assert Job.objects.count() == 14


def test_of_start_files_no_more_is_read_than_an_honest_host_says():
    each = {"content": "x" * 10**6, "diff": "+ x\n" * 10**6, "sentence": "s" * 10**6, "differs": ["x"] * 10**5,
            "parameters": [{"name": "-host", "found": "y" * 10**6}] * 10**5}
    files = files_of({"files": [{"name": name, **each} for name in ("run.sh", *map(str, range(60_000)), "run.sh")]})
    assert [file.name for file in files] == ["run.sh"]
    assert len(repr(files)) < 100_000


def test_every_start_file_that_hosts_write_is_read():
    assert {file.name for file in (*startfiles.START_FILES, startfiles.SERVICE_FILE)} == set(NAMES)
