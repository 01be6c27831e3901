"""docs/pair-states.md is what the table of decisions gives."""

from dataclasses import replace

import pytest

from control.snapshot import PRIMARY, Snapshot, State, state_of
from docs import pair_states

from .snapshots import A_SERVES, B_STANDS_BY, IN_SYNC, A, ready

GRANTED = ready(A, copy="a", granted=(PRIMARY, 3))
SHOWN = {
    (State.GRANTED, State.SERVING): (GRANTED, replace(A_SERVES, granted=(PRIMARY, 3))),
    (State.GRANTED, State.WAITING): (GRANTED, A),
    (State.SERVING, State.WAITING): (A_SERVES, A),
    (State.SERVING, State.READY): (A_SERVES, replace(A_SERVES, role="", stepping_down=3)),
    (State.WAITING, State.READY): (A, ready(A, copy="a")),
    (State.WAITING, State.SERVING): (A, A_SERVES),
}
"""The active server before and after what happens by itself."""


def test_the_page_is_up_to_date():
    assert pair_states.PAGE.read_text() == pair_states.page(), "run: python -m docs.pair_states"


def test_every_state_has_a_meaning():
    assert pair_states.MEANING.keys() == set(State)


@pytest.mark.parametrize(("source", "target"), [(source, target) for source, target, _ in pair_states.HAPPENS])
def test_what_is_drawn_dotted_happens(source, target):
    seen = [state_of(Snapshot(IN_SYNC, (active, B_STANDS_BY))) for active in SHOWN[source, target]]
    assert seen == [source, target]
