"""A database of an older or a newer version is told from one that does not answer, wherever somebody asks for it."""

import importlib
import io
import json
import math
import pkgutil

import psycopg
import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.urls import reverse

from console import checks
from console.management.commands import backup, move, restore
from console.up import databases
from console.up.errors import CannotStart
from provisioning.core import database_version
from provisioning.core.database_trouble import AHEAD, BEHIND, EMPTY, Trouble, may_pass
from provisioning.core.database_version import LOOK_S, VersionLook, judged, look, trouble_with, version_trouble
from provisioning.management import commands
from provisioning.management.console import REFUSED, ServiceCommand
from provisioning.models import Host
from provisioning.states import Role
from tests.api.conftest import Program
from tests.provisioning.addresses import ADDRESSES, MACHINE
from tests.provisioning.walk import PEOPLE, forgotten

NEWEST = max(database_version._on_disk()["provisioning"])
NEXT = "9999_of_a_version_to_come"
OLDER = f"is of an older version: the migration {NEWEST} is missing"
NEWER = f"is of a newer version: it has the migration {NEXT}, which this program does not know"
WITHOUT_A_DATABASE = {"passcode"}
OF_OTHERS = {"flush", "join_by_ssh"}
"""What is Django's own with a word more, and what a page starts."""
WANTED = {"provisioning": {"0001_initial", "0002_more"}, "auth": {"0001_initial"}, "logbook": {"0001_initial"}}


def one_behind():
    MigrationRecorder(connection).record_unapplied("provisioning", NEWEST)


def one_ahead():
    MigrationRecorder(connection).record_applied("provisioning", NEXT)


STATES = pytest.mark.parametrize(("change", "said"), [(one_behind, OLDER), (one_ahead, NEWER)],
                                 ids=["behind", "ahead"])


@pytest.fixture
def seen(monkeypatch):
    """What is wrong with the version is seen at once, and not only some seconds later."""
    monkeypatch.setattr(look, "_well_until", -math.inf)


# --- which version


@pytest.mark.parametrize(("applied", "trouble"), [
    ({("provisioning", "0001_initial"), ("provisioning", "0002_more"), ("auth", "0001_initial")}, None),
    ({("provisioning", "0001_initial"), ("auth", "0001_initial")}, Trouble(BEHIND, "0002_more")),
    ({("provisioning", "0001_initial"), ("provisioning", "0002_more")}, Trouble(BEHIND, "0001_initial")),
    ({("provisioning", "0001_initial")}, Trouble(BEHIND, "0002_more")),
    ({("provisioning", "0003_newer"), ("provisioning", "0001_initial")}, Trouble(AHEAD, "0003_newer")),
    ({("provisioning", "0001_initial"), ("provisioning", "0002_more"), ("auth", "0001_initial"),
      ("auth", "0002_of_another_package"), ("logbook", "0002_elsewhere"), ("gone", "0001_initial")}, None),
    (set(), Trouble(EMPTY)),
], ids=["the same", "ours is missing", "one of a package is missing", "both", "newer", "others are newer", "empty"])
def test_the_version_is_told_by_the_migrations(applied, trouble):
    assert judged(applied, WANTED, {"provisioning", "auth"}) == trouble


@pytest.mark.django_db
@pytest.mark.parametrize("alias", ["default", "control", "log"])
def test_the_databases_of_tests_are_of_this_version(alias):
    assert version_trouble(alias) is None


def test_a_database_is_asked_now_and_then_while_it_is_well_and_each_time_while_it_is_not():
    now, asked, answers = [0.0], [], [None, Trouble(BEHIND, "0002_more"), OperationalError("away"), None]

    def ask():
        asked.append(now[0])
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    seen, found = VersionLook(ask, lambda: now[0]), []
    for now[0] in (0.0, LOOK_S / 2, LOOK_S, LOOK_S + 1, LOOK_S + 2, LOOK_S + 3):
        found.append(seen.trouble())
    assert asked == [0.0, LOOK_S, LOOK_S + 1, LOOK_S + 2]
    assert found == [None, None, Trouble(BEHIND, "0002_more"), None, None, None]


# --- what an error of such a database means


def failed(statement: str) -> Exception:
    with pytest.raises((OperationalError, IntegrityError)) as raised, connection.cursor() as cursor:
        cursor.execute(statement)
    return raised.value


NEEDS_SQLITE = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="sentences of SQLite")


@pytest.mark.django_db
@NEEDS_SQLITE
@pytest.mark.parametrize("statement", [
    "SELECT * FROM provisioning_of_tomorrow", "SELECT of_tomorrow FROM provisioning_host",
    "INSERT INTO provisioning_host (of_tomorrow) VALUES (1)", "INSERT INTO provisioning_host (name) VALUES ('a')"])
@STATES
def test_an_error_that_comes_of_another_version_is_told_as_that(statement, change, said):
    error = failed(statement)
    assert trouble_with(error) is None
    change()
    assert said in trouble_with(error).sentence


@pytest.mark.parametrize(("cause", "passes"), [
    (psycopg.errors.UndefinedTable("x"), True), (psycopg.errors.UndefinedColumn("x"), True),
    (psycopg.errors.NotNullViolation("x"), False), (psycopg.errors.UniqueViolation("x"), False)],
    ids=lambda each: type(each).__name__)
def test_what_a_host_reports_waits_for_a_database_that_lacks_a_table(cause, passes):
    error = IntegrityError("x")
    error.__cause__ = cause
    assert may_pass(error) is passes


def failing(statement: str):
    with connection.cursor() as cursor:
        cursor.execute(statement)


# --- who says it


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(found.name for found in pkgutil.iter_modules(commands.__path__)))
@STATES
def test_every_command_says_it_and_does_nothing(monkeypatch, name, change, said):
    kind = importlib.import_module(f"provisioning.management.commands.{name}").Command
    if name in OF_OTHERS:
        assert not issubclass(kind, ServiceCommand)
        return
    monkeypatch.setattr(kind, "run", lambda self, **options: 0)
    change()
    command = kind(stdout=io.StringIO(), stderr=io.StringIO())
    if name in WITHOUT_A_DATABASE:
        command.handle(as_json=False)
        assert command.stderr.getvalue() == ""
        return
    with pytest.raises(SystemExit) as ended:
        command.handle(as_json=True)
    assert ended.value.code == REFUSED
    assert said in command.stderr.getvalue()
    assert "./run" in command.stderr.getvalue() or "Upgrade Pairwise" in command.stderr.getvalue()
    assert said in json.loads(command.stdout.getvalue())["refusals"][0]["message"]


def test_a_backup_can_be_made_of_any_version_and_restored_over_any():
    assert not backup.Command.of_this_version
    assert not restore.Command.of_this_version
    assert move.Command.of_this_version


def without_raising(world, who: str) -> Client:
    client = Client(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[who]
    return client


WITHOUT_ITS_PROGRAM = "join-program"
"""Has nothing to give in tests, and says so with 503."""
GETS = sorted(name for name, declared in ADDRESSES.items()
              if any(request.method == "GET" and request.need != MACHINE for request in declared)
              and name != WITHOUT_ITS_PROGRAM)


@pytest.mark.django_db
@pytest.mark.sampled
@NEEDS_SQLITE
@pytest.mark.parametrize("name", GETS)
def test_no_page_of_a_database_that_lacks_something_is_a_fault_of_the_console(world, seen, name):
    client = without_raising(world, PEOPLE[-1])
    addresses = [address for request in ADDRESSES[name] if request.method == "GET"
                 for address in world.addresses(name, request)]
    with forgotten():
        one_behind()
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE provisioning_application RENAME COLUMN description TO of_yesterday")
        try:
            for address in addresses[:2]:
                answer = client.get(address, headers={"Accept": "text/html"})
                assert answer.status_code != 500, address
                if answer.status_code == 503 and not answer.streaming and "json" not in answer["Content-Type"]:
                    assert OLDER in answer.text, address
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE provisioning_application RENAME COLUMN of_yesterday TO description")


@pytest.mark.django_db
@STATES
def test_pages_show_it_and_take_no_changes(administrator, seen, change, said):
    change()
    page = administrator.get(reverse("host-list"))
    assert page.status_code == 200
    assert f"The Configuration Database {said}." in page.text
    answer = administrator.post(reverse("host-new"), {"name": "of-tomorrow"}, headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert said in answer.text
    assert not Host.objects.filter(name="of-tomorrow").exists()


@pytest.mark.django_db
@STATES
def test_programs_are_told_and_change_nothing(seen, change, said):
    program = Program(Role.ADMINISTRATOR)
    change()
    answer = program("POST", "/hosts", {"name": "of-tomorrow"})
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert said in answer.json()["detail"]
    assert not Host.objects.filter(name="of-tomorrow").exists()


@pytest.mark.django_db
@STATES
def test_the_check_of_the_console_tells_it(change, said):
    assert checks.version_of_the_databases() == []
    change()
    [found] = checks.version_of_the_databases()
    assert (found.id, said in found.msg) == ("pairwise.W027", True)


@pytest.mark.django_db
def test_a_program_that_is_older_than_its_database_does_not_start():
    databases.require_no_newer()
    one_behind()
    databases.require_no_newer()
    assert databases.is_behind()
    one_ahead()
    with pytest.raises(CannotStart, match=f"{NEWER}. Upgrade Pairwise on this machine"):
        databases.require_no_newer()
