"""How much has to go into a store that was full before it is used again."""

from messageserver import room
from messageserver.room import AGAIN_S, LEAST_BYTES, MOST_BYTES, Room


def test_a_store_that_fails_again_soon_needs_twice_as_much_and_after_a_while_as_little_as_at_first(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: now[0])
    kept = Room()
    assert [kept.wanted(), kept.wanted()] == [LEAST_BYTES] * 2
    wanted = []
    for _ in range(10):
        kept.found()
        now[0] += AGAIN_S / 2
        wanted.append(kept.wanted())
        assert kept.wanted() == wanted[-1], "an attempt that failed asks for no more"
    assert (wanted[:2], wanted[-1]) == ([2 * LEAST_BYTES, 4 * LEAST_BYTES], MOST_BYTES)
    kept.found()
    now[0] += AGAIN_S
    assert kept.wanted() == LEAST_BYTES
