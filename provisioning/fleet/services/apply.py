"""Applies a manifest: a plan first, which finds everything that can be refused and writes nothing; then its steps.

The steps are written some at a time, so that others get the database in between. What stops them says what is done, and
a plan of the same file finds the rest.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.db import transaction

from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.history import history
from provisioning.turns import Turns

from .apply_objects import Keys, carry_out
from .listed import LISTED
from .manifest import Manifest
from .planned import PACKAGE, ApplyPlan, Planner, Step

AT_ONCE = 20
"""So many objects a transaction holds at most."""


def plan(*, actor: Actor, manifest: Manifest, directory: Path) -> ApplyPlan:
    """What applying ``manifest`` would do; changes nothing. Paths in it are relative to ``directory``. Raises Refused
    with everything that stands against it, NotAllowed."""
    for asked, permission in ((manifest.templates or manifest.packages, permissions.IMPORT),
                              (manifest.hosts, permissions.MANAGE_HOSTS),
                              (manifest.applications or manifest.log_to is not None, permissions.CONFIGURE),
                              *((specs, LISTED[key].permission) for key, specs in manifest.listed.items())):
        if asked:
            actor.require(permission)
    return Planner(manifest, directory).run()


def apply(*, actor: Actor, planned: ApplyPlan, tell: Callable[[int, int], None] = lambda done, of: None) -> None:
    """Do what ``plan`` found. ``tell`` hears after every transaction how many steps are done, and of how many.

    Nothing is refused that the plan could see. What somebody else changed since then, or a database that fails, ends
    it between two transactions: the error has a note that says what is done and what is not.
    """
    steps, keys, done = planned.steps, Keys(), 0
    turns = Turns(most=AT_ONCE)

    def reached(count: int) -> None:
        nonlocal done
        done = count

    try:
        while done < len(steps):
            some = _next(steps[done:done + turns.size])
            then = partial(reached, done + len(some))
            if some[0].kind == PACKAGE:
                # Its file is copied first; its row has a transaction of its own.
                carry_out(actor, some[0], keys)
            else:
                _write(actor, some, keys, turns, then)
            then()
            tell(done, len(steps))
    except BaseException as error:
        if 0 < done < len(steps):
            error.add_note(how_far(steps, done))
        raise


def how_far(steps: list[Step], done: int) -> str:
    """A sentence for people when the work ends before its end."""
    return (f"{done} of {len(steps)} changes were made, the last one to {steps[done - 1]}; the rest, from "
            f"{steps[done]} on, was not. Apply the same file again: it goes on from there.")


def _next(steps: list[Step]) -> list[Step]:
    """The first of them that are written together."""
    first_package = next((n for n, step in enumerate(steps) if step.kind == PACKAGE), len(steps))
    return steps[:first_package or 1]


def _write(actor: Actor, steps: list[Step], keys: Keys, turns: Turns, committed: Callable[[], None]) -> None:
    with turns.turn(len(steps)), history.atomic():
        # The first of what follows the commit: who ends the work during the rest is told of these steps, too.
        transaction.on_commit(committed)
        for step in steps:
            carry_out(actor, step, keys)
