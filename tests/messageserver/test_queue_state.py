"""The state of a queue under everything that may happen to it: nothing is lost, nothing settled comes again."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from messageserver import marks
from messageserver.marks import Mark, Since
from messageserver.queue_state import QueueState, chosen

CONSUMERS = st.integers(1, 3)


@given(st.lists(st.booleans(), max_size=6), st.integers(0, 9), st.integers(-1, 5))
def test_whose_turn_it_is_has_room_and_is_avoided_only_when_alone(rooms, turn, avoid):
    place = chosen(rooms, turn, avoid)
    if not any(rooms):
        assert place == -1
    else:
        assert rooms[place]
        assert place != avoid or sum(rooms) == 1


def test_turns_go_round():
    turn, taken = 0, []
    for _ in range(6):
        place = chosen([True, False, True, True], turn)
        taken.append(place)
        turn = place + 1
    assert taken == [0, 2, 3, 0, 2, 3]


class AnyLife(RuleBasedStateMachine):
    """A log, the marks in it, and a queue that is lost and read again at any moment."""

    def __init__(self):
        super().__init__()
        self.last = 0
        self.written = [marks.GONE, marks.GONE]
        """The last whole mark, and what goes on from it."""
        self.state = QueueState(Mark())
        self.noted: list[int] = []
        self.with_whom: dict[int, int] = {}
        self.seen: set[int] = set()
        self.answered: set[int] = set()
        self.settled: set[int] = set()

    @rule(count=st.integers(1, 5))
    def send(self, count):
        self.last += count

    @rule(count=st.integers(1, 5))
    def take(self, count):
        seqs = list(range(self.state.seq + 1, min(self.last, self.state.seq + count) + 1))
        if seqs:
            self.state.take(seqs, seqs[-1])
            self.noted += seqs

    @rule()
    def write(self):
        """The mark is on both disks: what it notes may go out, what it settles is answered."""
        self.state.stored(self.to_log())
        self.state.prepare(self.noted)
        self.noted = []

    def to_log(self) -> Mark | Since:
        said = self.state.say()
        name, _, body, _ = marks.as_draft("mark:queue:q", said)
        self.written = [self.written[0], body] if name.startswith(marks.SINCE) else [body, marks.GONE]
        self.answered |= self.settled
        return said

    @rule(late=st.booleans())
    def fail_to_write(self, late):
        """What it said is not on this disk; the other member may have it, and then it comes here late, too."""
        if late:
            self.to_log()
        else:
            self.state.say()

    @precondition(lambda self: self.state.ready)
    @rule(consumer=CONSUMERS)
    def hand(self, consumer):
        expected = min(self.state.ready)
        seq, redelivered = self.state.hand(consumer)
        assert seq == expected
        assert seq not in self.answered
        assert redelivered or seq not in self.seen
        self.seen.add(seq)
        self.with_whom[seq] = consumer

    @precondition(lambda self: self.with_whom)
    @rule(data=st.data())
    def settle(self, data):
        seq = data.draw(st.sampled_from(sorted(self.with_whom)))
        del self.with_whom[seq]
        self.state.settle([seq])
        self.settled.add(seq)

    @precondition(lambda self: self.settled - self.answered)
    @rule(data=st.data())
    def a_settlement_is_not_stored(self, data):
        seq = data.draw(st.sampled_from(sorted(self.settled - self.answered)))
        self.state.reopen([seq])
        self.settled.discard(seq)

    @rule(consumer=CONSUMERS)
    def leave(self, consumer):
        seqs = [seq for seq, holder in self.with_whom.items() if holder == consumer]
        self.state.give_back(consumer, seqs)
        for seq in seqs:
            del self.with_whom[seq]

    @rule()
    def fail_over(self):
        self.state = QueueState(marks.read(*self.written))
        self.noted, self.with_whom, self.settled = [], {}, set(self.answered)

    @invariant()
    def nothing_is_lost(self):
        held = set(self.state.held)
        assert held | self.settled | set(range(self.state.seq + 1, self.last + 1)) == set(range(1, self.last + 1))
        assert not held & self.settled
        assert set(self.state.ready) | set(self.noted) | set(self.with_whom) == held
        assert self.state.ready == sorted(self.state.ready)


TestAnyLife = AnyLife.TestCase
