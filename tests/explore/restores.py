"""An older copy of control's database is put back: what control notices, and how a person lets the pair go on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from control.generations import Generation, History, Seen
from control.restored import Log, lost_with, meeting_point, raised, refusal
from control.snapshot import Record, Snapshot, State, forgetful, state_of, vouched

from .parts import DOUBTED, VOUCHED, Node, Rec
from .solution import NAMES, Solution, describe
from .trimming import begins_after, history


@dataclass(frozen=True)
class Way:
    """``what`` leads to ``record``; a person has accepted that so many records are ``lost``, None: nobody can tell."""

    what: str
    record: Rec
    lost: int | None = 0


def put_back(rec: Rec, shelf: Rec, *, remembered: bool) -> Rec:
    """The record after ``shelf`` was put back in place of ``rec``, and a control has begun to lead.

    The generations of controls that began to lead in between are one here: it makes no difference which of them a
    witness has heard of. The only writes are those of this pair, so its version is the position. ``remembered``: who
    keeps how far the database had come is heard before anybody connects.
    """
    before, now = Generation(1, "before", 0), Generation(2, "after", shelf.version + 1)
    known, seen = History((before, now)), Seen(before.number, before.mark, rec.version)
    written_in = before.number
    if remembered and known.contradicts(seen, shelf.version):
        doubted = Generation(known.following(seen), "doubted", shelf.version + 2, after_restore=True)
        known = History((before, now, doubted))
    doubt = DOUBTED if shelf.doubt or written_in < known.trusted_from else ""
    return shelf._replace(doubt=doubt)


class Restoring:
    """What follows in a pair whose record may be outdated."""

    def __init__(self, solution: Solution):
        self._solution, self._without = solution, solution.without

    def ways(self, rec: Rec, views: tuple, nodes: tuple[Node, Node]) -> Iterator[Way]:
        """What members and people may say of ``rec``."""
        snapshot = self._solution.snapshot(rec, views)
        if rec.doubt == DOUBTED and vouched(snapshot):
            yield Way("control finds that nobody has seen more than the record says", rec._replace(doubt=VOUCHED))
        if state_of(snapshot) != State.DISPUTED:
            return
        for who, name in enumerate(NAMES):
            if self._may_go_on(snapshot, who):
                lost = None if forgetful(snapshot) else self._lost(who, views, nodes)
                record = self._solution.rec(self._raised(snapshot, name), views)
                yield Way(f"somebody lets {{{who}}} go on, {_told(lost)}: {describe(record, [])}", record, lost)

    def _may_go_on(self, snapshot: Snapshot, who: int) -> bool:
        if "nobody goes on beside a server that serves" in self._without:
            return snapshot.members[who].connected
        return not refusal(snapshot, NAMES[who])

    def _raised(self, snapshot: Snapshot, name: str) -> Record:
        if "the record is raised beyond who is away" in self._without:
            snapshot = replace(snapshot, members=tuple(each for each in snapshot.members if each.connected))
        return raised(snapshot, name)

    def _lost(self, who: int, views: tuple, nodes: tuple[Node, Node]) -> int | None:
        """How many records are lost when the member ``who`` goes on, as a person is told before."""
        logs = [_log(node) if view and view.live else None for node, view in zip(nodes, views, strict=True)]
        common = meeting_point(logs)
        proven = common is not None and nodes[0].log[:common] == nodes[1].log[:common]
        loss = lost_with(logs[who], logs[1 - who], common, proven=proven)
        return loss and loss.before + loss.after


def _log(node: Node) -> Log:
    return Log(begins_after(node.log) + 1, len(node.log), tuple(history(node.log)))


def _told(lost: int | None) -> str:
    return "though nobody can tell what is lost" if lost is None else f"and loses {lost}"
