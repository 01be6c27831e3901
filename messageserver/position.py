"""Where a standby says that it is, and whether it may go on from there. Pure."""

from dataclasses import dataclass

from protocol.epochs import Epochs, common_point

from .syncwire import SyncError, read_words


@dataclass(frozen=True)
class Position:
    """Where a standby says that it is."""

    last_seq: int
    first_seq: int
    epochs: tuple[tuple[int, int], ...]
    copy: str
    trims: bool = False


def read_position(payload: bytes) -> Position:
    """Raises SyncError."""
    body = read_words(payload, last_seq=int, first_seq=int, epochs=list, copy=str)
    epochs = tuple(tuple(each) for each in body["epochs"] if isinstance(each, list))
    if any(len(each) != 2 or not all(type(number) is int for number in each) for each in epochs):
        raise SyncError("the other member sent an epoch history that is none")
    return Position(body["last_seq"], body["first_seq"], epochs, body["copy"][:64], body.get("trims") is True)


def meeting(position: Position, epochs: Epochs, *, first_seq: int, last_seq: int, kept_after: int) -> tuple[int, bool]:
    """(the last record that the standby has in common with an active server that has records ``first_seq`` to
    ``last_seq``, whether it may go on after it); else it needs a full copy. ``kept_after``: the last record that
    retention does not keep there, whether it was removed already or not.
    """
    common = common_point(epochs, last_seq, position.epochs, position.last_seq)
    # A copy that begins later than the other one lacks messages, however equal they are at the end; but a standby
    # removes what retention does not keep before the active server does.
    whole = position.first_seq == 1 or position.first_seq - 1 <= kept_after
    return common, whole and first_seq - 1 <= common >= position.first_seq - 1
