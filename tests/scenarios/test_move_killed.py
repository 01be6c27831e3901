"""A move, or a way back, is killed at any of its steps: all is there or nothing was changed, whoever comes next."""

import json

import pytest

from console.relocation.installation import STANDING
from protocol.identity import start_ticks

from .harness import Pairwise, wait_for
from .killed import OF_THE_WAY_BACK, POINTS
from .moves import Place, counts_there, killed, move, moved, require_whole, told_of_moves
from .services import postgres, why_none

pytestmark = [pytest.mark.long, pytest.mark.timeout(300), pytest.mark.skipif(bool(why_none()), reason=why_none())]
NOT_MOVED, NOT_BACK, IS_MOVED = ("was broken off: nothing was changed", "The way back was broken off",
                                 "The databases were moved to")
BESIDE_A_CONSOLE = (
    ("nothing is there yet", False, ""),
    ("what writes is told to stop", False, NOT_MOVED),
    ("the files are held", False, NOT_MOVED),
    ("both are copied", False, NOT_MOVED),
    ("no file takes changes", False, NOT_MOVED),
    ("the new address is kept", True, IS_MOVED),
    ("one file takes changes again", True, NOT_BACK),
    ("all is back", False, "All runs again"),
    ("the console is waited for", True, "count now; all runs again"))
"""A point, whether the new databases count afterwards, and what the running console says of it: in an order in which
each begins where the one before it ended."""
LEFT_TO_A_START = (
    ("one file takes no changes", False, NOT_MOVED),
    ("the new address is kept", True, IS_MOVED),
    ("all files take changes again", True, NOT_BACK))
"""As above, said by the next start."""
LEFT_TO_A_MOVE = (
    ("the tables are there", False, ""),
    ("one database of two is copied", False, ""),
    ("no file takes changes", False, NOT_MOVED),
    ("the copy is no copy any more", True, NOT_MOVED),
    ("the way back has begun", True, IS_MOVED),
    ("what was moved to is a copy again", True, NOT_BACK),
    ("the new address is forgotten", False, NOT_BACK),
    ("all is moved", True, ""))
"""A point, whether the new databases count afterwards, and what the move says of the one before it."""


def test_every_point_at_which_a_move_is_killed_has_its_case():
    assert {point for point, *_ in (*BESIDE_A_CONSOLE, *LEFT_TO_A_START, *LEFT_TO_A_MOVE)} == set(POINTS)


@pytest.fixture(scope="module")
def server():
    with postgres() as url:
        yield url


@pytest.fixture(scope="module")
def place(server):
    """Where the console goes that lives through all of them."""
    return Place(server)


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    with Pairwise(tmp_path_factory.mktemp("killed") / "var") as run:
        yield run.start()


@pytest.fixture(scope="module")
def added() -> list[str]:
    """Names of users who were added between them."""
    return []


def works(run: Pairwise) -> bool:
    return all(start_ticks(run.child(name)) for name in STANDING) and run.is_healthy()


def add_user(run: Pairwise, added: list[str]) -> None:
    added.append(f"user{len(added)}")
    run.manage("users", "add", added[-1], "--role", "Support")


@pytest.mark.parametrize(("point", "is_there", "says"), BESIDE_A_CONSOLE, ids=[case[0] for case in BESIDE_A_CONSOLE])
def test_beside_a_console_all_is_there_or_nothing_was_changed(console, place, added, point, is_there, says):
    begins_there = point in OF_THE_WAY_BACK
    if begins_there and not counts_there(console):
        moved(console, place)
    elif counts_there(console) and not begins_there:
        move(console, "--back")
    before = len(console.output)
    killed(console, place, point)
    if says:
        wait_for(lambda: any(says in line for line in console.output[before:]), 30, f'that it says "{says}"')
    wait_for(lambda: works(console), 60, "that all runs")
    require_whole(console, place, there=is_there)
    if begins_there or is_there:
        console.end_asked()
    assert json.loads(console.manage("verify_history", "--json").stdout)["whole"]
    if begins_there and not is_there:
        assert f"Moved the databases from {console.data_dir} to {place.address}." in told_of_moves(console)
    # There that would be a change, after which nobody goes back.
    if not is_there:
        add_user(console, added)


def test_after_all_of_them_everything_is_there_and_stays(console, place, added):
    if not counts_there(console):
        moved(console, place)
    add_user(console, added)
    console.end_asked()
    assert console.stop() == 0
    console.start()
    listed = console.manage("users", "list").stdout
    assert all(name in listed for name in added), listed
    assert place.ask("SELECT count(*) FROM auth_user WHERE username LIKE 'user%'") == len(added)


def test_without_a_console_the_next_start_brings_it_to_its_end(at_rest, server):
    place = Place(server)
    for point, is_there, says in LEFT_TO_A_START:
        killed(at_rest, place, point)
        at_rest.launch()
        at_rest.wait_said(says, 60)
        assert at_rest.stop() == 0
        require_whole(at_rest, place, there=is_there)


def test_without_a_console_the_next_move_brings_it_to_its_end(at_rest, server):
    place = Place(server)
    for point, is_there, says in LEFT_TO_A_MOVE:
        assert says in killed(at_rest, place, point)
        assert counts_there(at_rest) is is_there
    require_whole(at_rest, place, there=True)
    said = move(at_rest, "--to", place.address, code=2, PAIRWISE_MOVE_PASSWORD=place.password)
    assert f"were moved to {place.address}" in said
    assert "nothing is left to do" in said
    assert "The files in" in move(at_rest, "--back")
    require_whole(at_rest, place, there=False)
    assert place.is_a_copy
