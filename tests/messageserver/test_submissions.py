"""What waits for the disk, and how it is parted into commits."""

from hypothesis import given
from hypothesis import strategies as st

from messageserver.submissions import LEAST_DRAFTS, Submissions, drafts_of

counts = st.lists(st.integers(1, 700), max_size=12)


def waiting_of(numbers: list[int]) -> tuple[Submissions, list[tuple]]:
    waiting, drafts = Submissions(), []
    for session, count in enumerate(numbers):
        part = [("/queue/a", b"", b"%d-%d" % (session, at), None) for at in range(count)]
        waiting.add(session, part, [None] * count, 0.0)
        drafts += part
    return waiting, drafts


@given(counts)
def test_groups_keep_the_order_and_leave_nothing_behind(numbers):
    waiting, drafts = waiting_of(numbers)
    taken = []
    while waiting:
        taken += waiting.take_group()
    assert drafts_of(taken) == drafts
    assert [each.session for each in taken] == list(range(len(numbers))), "what came in one step is never parted"
    assert (waiting.drafts, waiting.bytes) == (0, 0)


@given(counts.filter(bool))
def test_a_group_is_half_of_what_waits_and_never_less_than_is_worth_a_commit(numbers):
    waiting, drafts = waiting_of(numbers)
    group = waiting.take_group()
    enough = min(len(drafts), max(LEAST_DRAFTS, len(drafts) // 2))
    assert enough <= len(drafts_of(group)) < enough + len(group[-1].drafts)


def test_all_can_be_taken_at_once():
    waiting, drafts = waiting_of([3, 900, 1])
    assert drafts_of(waiting.take_all()) == drafts
    assert not waiting
