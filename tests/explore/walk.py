"""Walks every state that can be reached, shortest ways first, and looks for what must not be."""

import gc
import re
import time
from array import array
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

from .solution import NAMES
from .states import State
from .world import Move, World

Goal = Callable[[State], bool]


@dataclass
class Walk:
    """What was found. ``whole``: every reachable state was walked; else all up to ``depth`` steps from the start.
    ``steps`` lead to what is ``broken``, in words."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    whole: bool = False
    broken: str = ""
    steps: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def size(self) -> str:
        """How much was walked, in words."""
        depth = f"all of them, up to {self.depth} steps away" if self.whole else f"{self.depth} steps deep"
        return f"{self.states} states, {self.transitions} transitions ({depth})"

    def __str__(self) -> str:
        if not self.broken:
            return f"{self.size}: nothing is wrong"
        return "\n".join([f"{self.size}: {self.broken}:",
                          *(f"{number:3}. {step}" for number, step in enumerate(self.steps, 1))])


class Ways:
    """Steps from state to state, by their numbers."""

    def __init__(self):
        self.sources, self.targets = array("l"), array("l")

    def add(self, source: int, target: int) -> None:
        self.sources.append(source)
        self.targets.append(target)


class Graph:
    """The states met so far, in the order in which they were met, and the ``ways`` between them that are no faults;
    ``starts`` are those on which a process is started. ``walked``: from so many of them all steps are known."""

    def __init__(self, world: World, start: State):
        self.world = world
        self.states: list[State] = [start]
        self.index: dict[State, int] = {start: 0}
        self.parent = array("l", [-1])
        self.ways, self.starts = Ways(), Ways()
        self.walked = 0

    def way_to(self, number: int) -> list[Move]:
        """The shortest way from the first state."""
        way = []
        while number > 0:
            before, state = self.parent[number], self.states[number]
            way.append(next(move for move in self.world.moves(self.states[before]) if move.state == state))
            number = before
        return way[::-1]


def walk(world: World, start: State | None = None, *, depth: int = 0, most: int = 0, ignoring: tuple[str, ...] = (),
         on_level: Callable[[Walk], None] = lambda _: None) -> tuple[Walk, Graph]:
    """Breadth first. Ends when something is broken, everything is seen, or a bound (steps, states; 0: none) is
    reached. Of ``ignoring`` nothing is said."""
    with _without_collector():
        return _walk(Graph(world, start or world.start()), depth, most, ignoring, on_level)


@contextmanager
def _without_collector():
    """Millions of tuples and no circle among them."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _walk(graph: Graph, depth: int, most: int, ignoring: tuple[str, ...], on_level) -> tuple[Walk, Graph]:
    begun, found, level_end = time.perf_counter(), Walk(), 1
    while graph.walked < len(graph.states):
        if graph.walked == level_end:
            level_end, found.depth = len(graph.states), found.depth + 1
            _note(found, graph, begun)
            on_level(found)
            if (depth and found.depth >= depth) or (most and len(graph.states) >= most):
                return found, graph
        if _expand(graph, graph.walked, found, ignoring):
            _note(found, graph, begun)
            return found, graph
        graph.walked += 1
    found.whole = True
    _note(found, graph, begun)
    return found, graph


def _note(found: Walk, graph: Graph, begun: float) -> None:
    found.states, found.seconds = len(graph.states), time.perf_counter() - begun


def _expand(graph: Graph, number: int, found: Walk, ignoring: tuple[str, ...]) -> bool:
    """Look at everything that follows state ``number``; True when something is broken."""
    index, states = graph.index, graph.states
    for move in graph.world.moves(states[number]):
        what, _, state, fault, broken = move
        found.transitions += 1
        if broken and broken not in ignoring:
            found.broken = broken
            found.steps = told(graph.world, states[0], [*graph.way_to(number), move])
            return True
        known = index.get(state)
        if known is None:
            known = index[state] = len(states)
            states.append(state)
            graph.parent.append(number)
        if not fault and known != number:
            (graph.starts if what == "starts" else graph.ways).add(number, known)
    return False


def behind(world: World, *goals: Goal) -> State:
    """A state that fits the last of ``goals``, nearest to one that fits the goal before, and so on from the start."""
    state = world.start()
    with _without_collector():
        for goal in goals:
            state = _nearest(world, state, goal)
    return state


def _nearest(world: World, start: State, goal: Goal) -> State:
    seen, level = {start}, [start]
    while level:
        following = []
        for state in level:
            if goal(state):
                return state
            for move in world.moves(state):
                if move.state not in seen:
                    seen.add(move.state)
                    following.append(move.state)
        level = following
    raise AssertionError("no state fits")


# --- in words --------------------------------------------------------------------------------------------


def told(world: World, start: State, way: list[Move]) -> list[str]:
    """The steps from ``start`` in words, with the numbers and places that a bystander would see."""
    world.plain = True
    try:
        lines, state = [], start
        for number, step in enumerate(way):
            plain = next((move for move in world.moves(state)
                          if _kind(move) == _kind(step) and world.form(move.state) == step.state), None)
            if plain is None:
                # Without a rule that the form rests on, what was forgotten may matter after all.
                return [*lines, "(from here on the recorded active server is called A, and numbers are made small)",
                        *map(_line, way[number:])]
            lines.append(_line(plain))
            state = plain.state
        return lines
    finally:
        world.plain = False


def _kind(move: Move) -> str:
    return re.sub(r"[0-9]+|\{.\}", "", move.what)


def _line(move: Move) -> str:
    text = move.what.format(*NAMES)
    if move.who < 0:
        return text
    name = NAMES[move.who]
    return f"{text} {name}" if text.endswith(" of") else f"{name} {text}"


# --- a way on --------------------------------------------------------------------------------------------


def dead_ends(graph: Graph, goal: Goal, *, starting: bool = True) -> list[int]:
    """States from which no number of steps that are no faults leads to ``goal``: restarts (unless not ``starting``),
    links that heal, and control that decides on what is true. States that were not walked any further are left out."""
    count = len(graph.states)
    before = [_backwards(ways, count) for ways in ((graph.ways, graph.starts) if starting else (graph.ways,))]
    leads = bytearray(count)
    todo = [number for number, state in enumerate(graph.states) if number >= graph.walked or goal(state)]
    for number in todo:
        leads[number] = 1
    while todo:
        number = todo.pop()
        for sources, offsets in before:
            for place in range(offsets[number], offsets[number + 1]):
                if not leads[source := sources[place]]:
                    leads[source] = 1
                    todo.append(source)
    return [number for number in range(count) if not leads[number]]


def _backwards(ways: Ways, count: int) -> tuple[array, array]:
    """(sources, offsets): sources[offsets[t]:offsets[t + 1]] are the states with a way to state t."""
    offsets = array("l", bytes(8 * (count + 2)))
    for target in ways.targets:
        offsets[target + 2] += 1
    for number in range(1, count + 2):
        offsets[number] += offsets[number - 1]
    sources = array("l", bytes(8 * len(ways.sources)))
    for source, target in zip(ways.sources, ways.targets, strict=True):
        sources[offsets[target + 1]] = source
        offsets[target + 1] += 1
    return sources, offsets
