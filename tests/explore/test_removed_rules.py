"""The explorer can fail: with any one of the rules taken away it finds what goes wrong, on a way of a few steps."""

from pathlib import Path

import pytest

from .rules import ACKNOWLEDGED_LATE, MISSING, ROWS, RULES, STANDINGS, TWO_PRIMARIES, TWO_RECORDS
from .scopes import Scope
from .walk import behind, dead_ends, walk
from .world import World

MOST = 400_000


@pytest.mark.dear
@pytest.mark.parametrize("name", RULES)
def test_without_the_rule_a_promise_is_broken(name, record_property):
    rule = RULES[name]
    world = World(rule.scope, frozenset([name]))
    found, _ = walk(world, behind(world, *(getattr(world, goal) for goal in rule.past)), most=MOST)
    record_property("walked", (name, found.states, found.transitions, False))
    assert found.broken == rule.breaks
    assert 2 < len(found.steps) < 25


def test_a_grant_in_an_epoch_that_was_used_makes_two_records_of_one_name():
    world = World(Scope(records=2), frozenset(["every grant is a new epoch"]))
    found, _ = walk(world, behind(world, world.is_in_sync), most=MOST,
                    ignoring=(TWO_PRIMARIES, MISSING, ACKNOWLEDGED_LATE))
    assert found.broken == TWO_RECORDS


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.long
def test_without_the_rule_there_is_no_way_on(name, record_property):
    world = World(without=frozenset([name]))
    found, graph = walk(world, most=MOST)
    assert not found.broken, str(found)
    # Of an active server that is gone: whatever becomes of it, the standby must go on.
    for_ever = "gone" in name
    goal = world.can_acknowledge if ROWS[name] else world.is_in_sync
    stuck = [number for number in dead_ends(graph, goal, starting=not for_ever)
             if not for_ever or world.can_fail_over(graph.states[number])]
    record_property("walked", (name, found.states, found.transitions, False))
    assert stuck


def test_a_misspelt_rule_is_not_taken_for_a_removed_one():
    with pytest.raises(ValueError, match="no rule"):
        World(without=frozenset(["none of them"]))


def test_every_named_rule_is_looked_for_somewhere():
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py") if path.name != "rules.py")
    assert [name for name in RULES.keys() - STANDINGS.keys() if f'"{name}"' not in source] == []
