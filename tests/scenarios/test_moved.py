"""A console is moved from SQLite to PostgreSQL while it runs: whole, or not at all."""

import contextlib
import json
import sqlite3

import psycopg
import pytest
import yaml

from console.kept_databases import FILE

from .applications import message_server
from .harness import Pairwise, wait_for
from .ledger import Ledger
from .moves import Place, move, moved, named, told_of_moves
from .services import postgres, why_none

pytestmark = [pytest.mark.long, pytest.mark.timeout(300), pytest.mark.skipif(bool(why_none()), reason=why_none())]
MEMBERS = ("Moved_A", "Moved_B")


@pytest.fixture(scope="module")
def server():
    with postgres() as url:
        yield url


@pytest.fixture
def place(server):
    return Place(server)


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    """It is moved by the last test that uses it."""
    with Pairwise(tmp_path_factory.mktemp("moved") / "var") as run:
        yield run.start()


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


def test_where_a_console_cannot_be_moved_to_is_said_before_anything_stops(place, console):
    run, control = console, console.child("control")
    other = named(place.address, "latin")
    with psycopg.connect(place.url, autocommit=True) as session:
        session.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        session.execute("CREATE ROLE poor LOGIN PASSWORD 'poor-password'")
        session.execute("CREATE DATABASE full_one")
    with psycopg.connect(named(place.url, "full_one")) as session:
        session.execute("CREATE TABLE something (id int)")
    log = ("--log-to", named(place.address, f"{place.name}_log"))
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


def test_a_console_with_a_pair_at_work_is_moved_goes_back_and_is_moved_again(place, console):
    addresses, history = make_pair(console), end_of_history(console)
    before, agent = servers(console), console.child("agent")
    with Ledger(addresses) as ledger:
        said = moved(console, place)
        assert "the same by count and digest" in said
        assert "The console is ready" in said
        assert place.password not in said + console.text
        wait_whole(console)
        ledger.wait_acknowledged(50)
        at_the_end_of_the_move = end_of_history(console, history)
        assert place.ask("SELECT reason FROM provisioning_historyentry ORDER BY number DESC LIMIT 1") == (
            f"Moved the databases from {console.data_dir} to {place.address}.")
        assert place.ask("SELECT count(*) FROM provisioning_application") == 2
        assert place.ask("SELECT count(*) FROM record_pairrecord") >= 1
        goes_back(console, place)
        # What others were told of History meanwhile is true still.
        end_of_history(console, at_the_end_of_the_move)
        ledger.wait_acknowledged(20)
        assert ledger.check() > 70
    assert (servers(console), console.child("agent")) == (before, agent)
    # It may be moved again, over the copy that nobody works with.
    console.manage("stop", MEMBERS[1], "--wait")
    moved(console, place)
    assert place.ask("SELECT count(*) FROM provisioning_job WHERE kind = 'stop'") == 1
    goes_on_there(console, place)


def servers(run: Pairwise) -> dict[str, int]:
    return {name: run.application(name)["pid"] for name in MEMBERS}


def end_of_history(run: Pairwise, before: str = "") -> str:
    """COUNT:DIGEST; it is whole, and goes on after ``before``."""
    now = json.loads(run.manage("verify_history", "--json", *(["--expect", before] if before else [])).stdout)
    assert now["whole"]
    assert not before or now["count"] > int(before.partition(":")[0])
    return f"{now['count']}:{now['digest']}"


def goes_back(run: Pairwise, place: Place) -> None:
    assert "The console is ready" in move(run, "--back")
    assert told_of_moves(run) == [f"Moved the databases back from {place.address} to {run.data_dir}.",
                                  f"Moved the databases from {run.data_dir} to {place.address}."]
    assert not (run.data_dir / FILE).exists()
    wait_whole(run)


def goes_on_there(run: Pairwise, place: Place) -> None:
    """What people do with it is there, and the next start works with it; the pair can do what it could."""
    run.manage("start", MEMBERS[1], "--wait")
    wait_whole(run)
    run.end_asked()
    assert run.stop() == 0
    run.start()
    wait_whole(run)
    run.manage("switchover", MEMBERS[0], "--wait")
    assert place.ask("SELECT count(*) FROM provisioning_job") >= 6

    # The files take no change, and nobody goes back over what was changed since.
    with contextlib.closing(sqlite3.connect(run.data_dir / "pairwise.sqlite3")) as file, \
            pytest.raises(sqlite3.IntegrityError, match="was moved to postgres://pairwise@"):
        file.execute("DELETE FROM provisioning_application")
    assert "Something was changed since" in move(run, "--back", code=2)


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
