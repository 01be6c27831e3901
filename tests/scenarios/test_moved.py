"""A console is moved from SQLite to PostgreSQL while it runs: whole, or not at all."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import yaml

from console.kept_databases import FILE

from .applications import message_server
from .harness import PATIENCE, ROOT, Pairwise, wait_for
from .ledger import Ledger
from .services import postgres, why_none

pytestmark = [pytest.mark.long, pytest.mark.timeout(300), pytest.mark.skipif(bool(why_none()), reason=why_none())]
MOVE_S = 200 * PATIENCE
MEMBERS = ("Moved_A", "Moved_B")


class Place:
    """Two empty databases, and how people name them."""

    def __init__(self, url: str):
        self.url, parts = url, urlsplit(url)
        self.password = parts.password
        self.address = urlunsplit((parts.scheme, f"{parts.username}@{parts.hostname}:{parts.port}", parts.path, "", ""))

    def __enter__(self) -> "Place":
        with psycopg.connect(self.url, autocommit=True) as session:
            session.execute("CREATE DATABASE pairwise_log")
        return self

    def __exit__(self, *_) -> None:
        pass

    def ask(self, statement: str):
        with psycopg.connect(self.url) as session:
            return session.execute(statement).fetchone()[0]


def named(address: str, name: str) -> str:
    """The address of another database there."""
    return f"{address.rpartition('/')[0]}/{name}"


@pytest.fixture
def place():
    with postgres() as url, Place(url) as made:
        yield made


def mover(run: Pairwise, *arguments: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "manage.py", "move", *arguments, "--yes"], cwd=ROOT, text=True,
                            env=run.environment | environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def move(run: Pairwise, *arguments: str, code: int = 0, **environment: str) -> str:
    run.end_asked()
    process = mover(run, *arguments, **environment)
    said = process.communicate(timeout=MOVE_S)[0]
    assert process.returncode == code, said + run.text
    return said


def moved(run: Pairwise, place: Place) -> str:
    return move(run, "--to", place.address, PAIRWISE_MOVE_PASSWORD=place.password)


def told_of_moves(run: Pairwise) -> list[str]:
    """What History says of them in the files, newest first."""
    with contextlib.closing(sqlite3.connect(run.data_dir / "pairwise.sqlite3")) as file:
        return [text for text, in file.execute("SELECT reason FROM provisioning_historyentry WHERE object_type = "
                                               "'console' AND reason LIKE 'Moved %' ORDER BY number DESC")]


def make_pair(run: Pairwise) -> list[tuple[str, int]]:
    """Addresses of both members, started and in sync."""
    first, second = (message_server(name) for name in MEMBERS)
    first |= {"backup": MEMBERS[1], "redundancy_type": "warm standby"}
    path = run.data_dir.parent / "pair.yaml"
    path.write_text(yaml.safe_dump({"applications": [first, second]}))
    run.manage("apply", str(path), "--yes")
    for verb in ("install", "start"):
        for name in MEMBERS:
            run.manage(verb, name, "--wait")
    wait_whole(run)
    return [("127.0.0.1", each["ports"][0]["port"]) for each in (first, second)]


def wait_whole(run: Pairwise) -> None:
    wait_for(lambda: run.status()["pairs"][0]["in_sync"] and all(
        run.application(name)["status"] == "Started" for name in MEMBERS), 40, "the pair whole")


def test_a_console_with_a_pair_at_work_is_moved_and_its_servers_run_on(place, make_pairwise):
    run = make_pairwise()
    run.start()
    addresses = make_pair(run)
    before = {name: run.application(name)["pid"] for name in MEMBERS}
    agent, history = run.child("agent"), json.loads(run.manage("verify_history", "--json").stdout)
    with Ledger(addresses) as ledger:
        said = moved(run, place)
        assert "the same by count and digest" in said
        assert "The console is ready" in said
        wait_whole(run)
        ledger.wait_acknowledged(50)
        assert ledger.check() > 50
    assert {name: run.application(name)["pid"] for name in MEMBERS} == before
    assert run.child("agent") == agent
    now = json.loads(run.manage("verify_history", "--json", "--expect",
                                f"{history['count']}:{history['digest']}").stdout)
    assert (now["whole"], now["count"] > history["count"]) == (True, True)
    assert place.ask("SELECT reason FROM provisioning_historyentry ORDER BY number DESC LIMIT 1") == (
        f"Moved the databases from {run.data_dir} to {place.address}.")
    assert place.ask("SELECT count(*) FROM provisioning_application") == 2
    assert place.ask("SELECT count(*) FROM record_pairrecord") >= 1
    assert place.password not in said + run.text

    # What people do with it is there, and the next start works with it; the pair can do what it could.
    run.end_asked()
    assert run.stop() == 0
    run.start()
    wait_whole(run)
    run.manage("switchover", MEMBERS[0], "--wait")
    assert place.ask("SELECT count(*) FROM provisioning_job") >= 4

    # The files take no change, and nobody goes back over what was changed since.
    with contextlib.closing(sqlite3.connect(run.data_dir / "pairwise.sqlite3")) as file, \
            pytest.raises(sqlite3.IntegrityError, match="was moved to postgres://pairwise@"):
        file.execute("DELETE FROM provisioning_application")
    assert "Something was changed since" in move(run, "--back", code=2)


def test_a_console_goes_back_while_nothing_was_changed(place, make_pairwise):
    run = make_pairwise()
    run.start()
    addresses = make_pair(run)
    before = {name: run.application(name)["pid"] for name in MEMBERS}
    with Ledger(addresses) as ledger:
        moved(run, place)
        wait_whole(run)
        shown = json.loads(run.manage("verify_history", "--json").stdout)
        said = move(run, "--back")
        assert "The console is ready" in said
        # What others were told of History meanwhile is true still.
        run.manage("verify_history", "--expect", f"{shown['count']}:{shown['digest']}")
        assert told_of_moves(run) == [f"Moved the databases back from {place.address} to {run.data_dir}.",
                                      f"Moved the databases from {run.data_dir} to {place.address}."]
        assert not (run.data_dir / FILE).exists()
        wait_whole(run)
        ledger.wait_acknowledged(20)
        assert ledger.check() > 20
    assert {name: run.application(name)["pid"] for name in MEMBERS} == before
    # It may be moved again, over the copy that nobody works with.
    run.manage("stop", MEMBERS[1], "--wait")
    moved(run, place)
    assert place.ask("SELECT count(*) FROM provisioning_job WHERE kind = 'stop'") == 1


@pytest.mark.parametrize("step", ["Switching over", "The files in"])
def test_a_way_back_that_is_killed_leaves_all_there_or_all_back(place, step, make_pairwise):
    run = make_pairwise()
    run.start()
    moved(run, place)
    run.end_asked()
    with mover(run, "--back") as process:
        for line in process.stdout:
            if line.startswith(step):
                process.kill()
    wait_for(lambda: not (run.data_dir / FILE).exists() or
             json.loads((run.data_dir / FILE).read_text())["state"] == "settled", 30, "an end")
    wait_for(lambda: run.health()[0] == 200, 60, "all well")
    if (run.data_dir / FILE).exists():
        assert step == "Switching over"
        run.wait_said("The way back was broken off")
        move(run, "--back")
    run.manage("users", "add", "carol", "--role", "Support")
    assert json.loads(run.manage("verify_history", "--json").stdout)["whole"]
    assert f"Moved the databases from {run.data_dir} to {place.address}." in told_of_moves(run)


STEPS = ("Making the tables there", "Stopping what writes", "Copying", "Verifying history there", "Switching over",
         "The databases were moved to", "Starting the console again")
MOVED_FROM = 4
"""At the end of this step they are moved; before that, not."""


@pytest.mark.parametrize("step", STEPS)
def test_a_move_that_is_killed_leaves_all_as_it_was_or_all_moved(place, step, make_pairwise):
    run = make_pairwise()
    run.start()
    run.end_asked()
    with mover(run, "--to", place.address, PAIRWISE_MOVE_PASSWORD=place.password) as process:
        for line in process.stdout:
            if line.startswith(step):
                process.kill()
    wait_for(lambda: not (run.data_dir / FILE).exists() or
             json.loads((run.data_dir / FILE).read_text())["state"] in ("moved", "settled"), 30, "an end")
    wait_for(lambda: run.health()[0] == 200, 60, "all well")
    is_moved = (run.data_dir / FILE).exists()
    assert is_moved is (STEPS.index(step) > MOVED_FROM) or step == STEPS[MOVED_FROM]
    if step != STEPS[0] and not is_moved:
        run.wait_said("was broken off: nothing was changed")
    run.manage("users", "add", "carol", "--role", "Support")
    run.end_asked()
    assert run.stop() == 0
    run.start()
    assert "carol" in run.manage("users", "list").stdout
    if not is_moved:
        moved(run, place)
    assert place.ask("SELECT count(*) FROM auth_user WHERE username = 'carol'") == 1


def test_where_a_console_cannot_be_moved_to_is_said_before_anything_stops(place, make_pairwise):
    run = make_pairwise()
    run.start()
    control = run.child("control")
    other = named(place.address, "latin")
    with psycopg.connect(place.url, autocommit=True) as session:
        session.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        session.execute("CREATE ROLE poor LOGIN PASSWORD 'poor-password'")
        session.execute("CREATE DATABASE full_one")
    with psycopg.connect(named(place.url, "full_one")) as session:
        session.execute("CREATE TABLE something (id int)")
    log = ("--log-to", named(place.address, "pairwise_log"))
    for arguments, password, sentence in (
            (("--to", place.url), place.password, "Leave the password out of the address"),
            (("--to", "mysql://db/pairwise"), "", "is no address of a PostgreSQL database"),
            (("--to", place.address), "wrong", "password authentication failed"),
            (("--to", named(place.address, "nowhere")), place.password, "does not exist"),
            (("--to", other, *log), place.password, "keeps text in LATIN1"),
            (("--to", named(place.address, "full_one"), *log), place.password, "is not empty"),
            (("--to", place.address.replace("pairwise@", "poor@")), "poor-password", "may make no tables in"),
            (("--to", place.address, "--log-to", place.address), place.password, "need a database of their own"),
            (("--back",), "", "were not moved")):
        assert sentence in move(run, *arguments, code=2, PAIRWISE_MOVE_PASSWORD=password)
    assert "unset it" in move(run, "--to", place.address, code=2, PAIRWISE_DATABASE_URL=(
        f"sqlite:///{run.data_dir}/pairwise.sqlite3"))
    assert run.child("control") == control
    assert not (run.data_dir / FILE).exists()


def test_a_start_with_an_empty_database_or_another_one_is_refused(place, make_pairwise):
    run = make_pairwise()
    run.start()
    assert run.stop() == 0
    run.environment["PAIRWISE_DATABASE_URL"] = place.url
    assert refused(run).count("is empty, and") == 1
    del run.environment["PAIRWISE_DATABASE_URL"]
    assert "No console runs here" in moved(run, place)
    run.environment["PAIRWISE_DATABASE_URL"] = named(place.url, "postgres")
    assert "to which this console was moved" in refused(run)
    # Whoever names the same one is right.
    run.environment["PAIRWISE_DATABASE_URL"] = place.url
    run.start()
    assert run.stop() == 0
    del run.environment["PAIRWISE_DATABASE_URL"]
    (run.data_dir / FILE).rename(run.data_dir / "elsewhere.json")
    assert "takes no changes" in refused(run)


def refused(run: Pairwise) -> str:
    """What a start says that ends at once."""
    run.launch()
    assert run.wait_end() == 2, run.text
    return run.text
