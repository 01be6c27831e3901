"""``./run explore [DEPTH] [WORD]``: walks every scope, or those whose name holds WORD, whole or DEPTH steps deep."""

import sys

from .scopes import SCOPES, Scope
from .walk import Graph, Walk, behind, dead_ends, told, walk
from .world import World

MOST = 2_000_000
"""States of one walk, about 1 GB."""


def main(arguments: list[str]) -> int:
    depth = next((int(each) for each in arguments if each.isdigit()), 0)
    word = next((each for each in arguments if not each.isdigit()), "")
    chosen = {name: scope for name, scope in SCOPES.items() if word in name}
    if not chosen or len(arguments) > 2:
        print(f"./run explore [DEPTH] [WORD]: WORD is part of one of: {', '.join(SCOPES)}.", file=sys.stderr)
        return 2
    walks = [found for name, scope in chosen.items() for found in _explore(name, scope, depth)]
    states, transitions = sum(found.states for found in walks), sum(found.transitions for found in walks)
    deepest, broken = max(found.depth for found in walks), sum(bool(found.broken) for found in walks)
    print(f"{len(walks)} walks, {states} states, {transitions} transitions, up to {deepest} steps deep: "
          + (f"something is wrong in {broken}." if broken else "nothing is wrong."))
    return 1 if broken else 0


def _explore(name: str, scope: Scope, depth: int) -> list[Walk]:
    """From a cold start; unless that has shown everything, from a pair in sync as well."""
    cold = _one(f"{name}, cold start", World(scope), depth, ())
    return [cold] if cold.whole or cold.broken else [
        cold, _one(f"{name}, in sync", World(scope), depth, ("is_in_sync",))]


def _one(name: str, world: World, depth: int, past: tuple[str, ...]) -> Walk:
    print(f"--- {name}: {world.scope}", flush=True)
    start = behind(world, *(getattr(world, goal) for goal in past))
    found, graph = walk(world, start, depth=depth, most=MOST, on_level=_progress)
    if not found.broken:
        _look_for_dead_ends(found, graph)
    print(f"{name}: {found}; {found.seconds:.0f} s", flush=True)
    return found


def _look_for_dead_ends(found: Walk, graph: Graph) -> None:
    world = graph.world
    stuck = [number for number in dead_ends(graph, world.is_in_sync)
             if not world.waits_for_a_person(graph.states[number])]
    if stuck:
        found.broken = "there is no way on"
        found.steps = told(world, graph.states[0], graph.way_to(stuck[0]))


def _progress(found: Walk) -> None:
    if found.depth % 5 == 0:
        print(f"    {found.depth} steps: {found.states} states, {found.transitions} transitions, "
              f"{found.seconds:.0f} s", flush=True)


sys.exit(main(sys.argv[1:]))
