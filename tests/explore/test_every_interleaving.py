"""Every interleaving of a small scope: nothing acknowledged is lost, and there is always a way on.

Walks the real ``decide`` and the real ``Standing`` through everything that can happen to two servers, control and what
they tell each other (world.py). ``./run explore`` goes deeper.
"""

import re
from functools import cache, lru_cache

import pytest

from .parts import DOUBTED, VOUCHED
from .scopes import SCOPES, Scope
from .walk import behind, dead_ends, told, walk
from .world import World

WHOLE = {"one message": 50_000, "strict": 50_000}
"""Scopes of which every state is walked here, and how many there are at least."""
JOINT = ("two stores are replaced", "everything")
"""Scopes whose parts are scopes of their own. Only to be in sync there takes seconds: the long part has them."""
NEAR = 1_000
"""States of each of the other scopes, from a cold start and from a pair in sync."""
FAR = 20_000
"""As many in the long part."""


@cache
def walked(name: str):
    """The walk through a whole scope."""
    return walk(World(SCOPES[name]))


@lru_cache(maxsize=1)
def nearby(name: str, past: tuple[str, ...], most: int):
    """The walk through ``most`` states of a scope from what lies behind the goals ``past``."""
    world = World(SCOPES[name])
    return walk(world, behind(world, *(getattr(world, goal) for goal in past)), most=most)


def say(record_property, name, found):
    record_property("walked", (name, found.states, found.transitions, found.whole))


@pytest.mark.parametrize("name", ["one message", pytest.param("strict", marks=pytest.mark.long)])
def test_no_state_that_can_be_reached_breaks_a_promise(name, record_property):
    found, _ = walked(name)
    say(record_property, name, found)
    assert not found.broken, str(found)
    assert found.whole
    assert found.states > WHOLE[name]


@pytest.mark.parametrize("past", [pytest.param((), marks=pytest.mark.long), ("is_in_sync",)], ids=["cold", "in sync"])
@pytest.mark.parametrize("most", [NEAR, pytest.param(FAR, marks=pytest.mark.long)], ids=["near", "far"])
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.long if name in JOINT else ())
                                  for name in SCOPES if name not in WHOLE])
def test_no_state_nearby_breaks_a_promise(name, past, most, record_property):
    found, graph = nearby(name, past, most)
    say(record_property, f"{name} ({'in sync' if past else 'cold start'})", found)
    assert not found.broken, str(found)
    assert found.states >= most
    assert not [number for number in dead_ends(graph, graph.world.is_in_sync)
                if not graph.world.waits_for_a_person(graph.states[number])]


@pytest.mark.parametrize("goal", ["can_acknowledge", "is_in_sync"])
@pytest.mark.parametrize("name", ["one message", pytest.param("strict", marks=pytest.mark.long)])
def test_every_state_has_a_way_on(name, goal):
    """Restarts, links that heal and a control that sees what is true lead on, without a person."""
    _, graph = walked(name)
    stuck = dead_ends(graph, getattr(graph.world, goal))
    assert not stuck, "\n".join(told(graph.world, graph.states[0], graph.way_to(stuck[0])))


@pytest.mark.parametrize("name", ["one message", pytest.param("strict", marks=pytest.mark.long)])
def test_a_standby_in_sync_takes_over_although_the_active_server_never_comes_back(name):
    _, graph = walked(name)
    world = graph.world
    stuck = dead_ends(graph, world.can_acknowledge, starting=False) if not world.scope.strict else []
    assert not [number for number in stuck if world.can_fail_over(graph.states[number])]


# --- the model does what it should ---------------------------------------------------------------------------


def follow(world, state, *steps):
    """The states after ``steps``, each the beginning of what happens."""
    for step in steps:
        state = next(move.state for move in world.moves(state) if f"{'AB'[move.who] if move.who >= 0 else ''} "
                     f"{move.what}".strip().startswith(step))
    return state


def test_a_server_that_was_frozen_while_its_standby_took_over_acknowledges_nothing_when_it_thaws():
    world = World()
    # The active server is A of each state: after the promotion that is the former standby.
    state = follow(world, behind(world, world.is_in_sync), "A stores", "A control loses", "control takes the active",
                   "A takes the grant: serves")
    assert (state.acked, world.can_acknowledge(state)) == (0, True)
    frozen = follow(world, state, "B notices that the link is down")
    assert frozen.acked == 0
    returned = follow(world, frozen, "B connects", "control decides", "B takes the grant: stands by", "B cuts",
                      "B links")
    assert returned.acked == 0


def test_a_message_that_both_have_survives_the_loss_of_either():
    world = World()
    both = follow(world, behind(world, world.is_in_sync), "A stores", "B puts the next record", "B has confirmed 1")
    assert both.acked == 1
    after = follow(world, both, "A crashes", "A control loses", "control takes the active", "A takes the grant: serves")
    assert world.states.facts(after.one).stored == 1


PUT_BACK = Scope(restored=True, rare=1)
SINCE_THE_COPY = ("is_in_sync", "copy_is_kept", "is_alone_since", "is_put_back")


@cache
def outdated():
    """The active server went on alone, then the record was put back that says in sync."""
    world = World(PUT_BACK)
    return world, behind(world, *(getattr(world, goal) for goal in SINCE_THE_COPY))


def whats(world, state):
    return [move.what for move in world.moves(state)]


def test_while_a_member_is_away_an_outdated_record_promotes_nobody():
    world, state = outdated()
    alone = follow(world, state, "A stores", "B connects")
    assert (alone.acked, world.recs.items[alone.rec].in_sync) == (1, True)
    assert not [what for what in whats(world, alone) if "epoch 2, active" in what]
    assert [what for what in whats(world, alone) if what.startswith("somebody lets {1} go on, though nobody can tell")]


def test_a_server_that_serves_goes_on_after_an_older_copy_was_put_back_and_nothing_is_lost():
    world, state = outdated()
    on = follow(world, state, "A stores", "A connects", "B connects", "somebody lets {0} go on, and loses 0")
    assert on.acked == 1
    assert not [what for what in whats(world, on) if what.startswith("somebody lets")]
    assert world.can_acknowledge(follow(world, on, "control decides", "A hears that record"))


def test_members_that_agree_with_an_outdated_record_let_it_count_until_control_starts_anew():
    world = World(PUT_BACK)
    # The grant of the lost record never arrives, so nobody has acted on it.
    state = follow(world, behind(world, world.is_in_sync), "a copy of", "A control loses", "control takes the active",
                   "the older copy of", "A connects", "B connects")
    agreed = follow(world, state, "control finds that nobody has seen more")
    anew = follow(world, agreed, "control is started anew")
    assert [world.recs.items[each.rec].doubt for each in (state, agreed, anew)] == [DOUBTED, VOUCHED, DOUBTED]


TRIMMED = Scope(trimming=True, rare=1)


@cache
def kept_by_both():
    """Both have a message that was acknowledged, and retention of the active server does not keep it any more."""
    world = World(TRIMMED)
    return world, follow(world, behind(world, world.is_in_sync, world.both_keep_a_message), "A does not keep its first")


def test_a_standby_that_may_be_promoted_removes_first():
    world, state = kept_by_both()
    assert "removes record 1" not in whats(world, state)
    after = follow(world, state, "B removes record 1 as it is told")
    assert (world.states.facts(after.one).stored, world.states.facts(after.two).stored, after.acked) == (1, 0, 0)
    both = follow(world, after, "B has removed record 1, so the active server removes it")
    assert world.states.facts(both.one).stored == 0


def test_an_active_server_without_a_link_removes_nothing_that_a_standby_might_be_promoted_with():
    world, state = kept_by_both()
    away = follow(world, state, "A notices that the link is down")
    assert "removes record 1" not in whats(world, away)
    alone = follow(world, away, "A reports", "control decides", "A hears that record")
    assert "removes record 1" in whats(world, alone)


def test_who_begins_later_than_the_active_server_keeps_fetches_everything_anew():
    world, state = kept_by_both()
    begun = follow(world, state, "A notices that the link is down", "A reports", "control decides",
                   "A hears that record", "A removes record 1", "B links", "A makes acknowledgements wait", "A reports",
                   "control decides", "A hears that record", "A control loses", "control takes the active",
                   "A takes the grant: serves", "B connects", "control decides", "B takes the grant: stands by")
    assert [what for what in whats(world, begun) if "links" in what or "copy" in what] == ["begins a full copy"]
    assert world.states.facts(follow(world, begun, "B begins a full copy", "B puts the next").two).stored == 1


def test_a_standby_that_lacks_what_was_removed_meanwhile_begins_a_full_copy():
    world = World(TRIMMED)
    state = follow(world, behind(world, world.is_in_sync), "A notices that the link is down", "A reports",
                   "control decides", "A hears that record", "A stores", "B links", "A does not keep its first",
                   "A removes record 1", "B is told that what it lacks is no longer kept", "B begins a full copy")
    assert [len(world.nodes.items[each].log) for each in (state.one, state.two)] == [1, 1]


@pytest.mark.long
def test_everything_that_can_happen_is_among_the_steps():
    _, graph = nearby("everything", ("is_in_sync",), FAR)
    world = graph.world
    seen = {what for state in graph.states[:FAR:8] for what in
            (re.sub(r"[:0-9].*", "", move.what).strip() for move in world.moves(state))}
    assert seen >= {
        "starts", "crashes", "starts with an empty store", "starts with the store it had before", "connects to control",
        "reports", "reports, and the network keeps a copy", "takes the grant", "hears that record",
        "steps down", "stores a client's message", "links", "drops the link", "notices that the link is down",
        "makes acknowledgements wait for the standby", "puts the next record on its disk", "has confirmed",
        "hears late that the standby has", "empties its store for a full copy", "is refused a full copy",
        "says that it is granted a newer epoch", "control loses the connection of", "control is started anew",
        "a second control reads the record", "somebody pauses failover", "control takes the active server for lost",
        "control hears that the active server cannot serve",
        "control is asked for a switchover", "control decides"}
