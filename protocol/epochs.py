"""Where two copies of a log part, by their epoch histories. Pure."""

from collections.abc import Sequence

Epochs = Sequence[tuple[int, int]]
"""Epoch history of a log: (epoch, first seq), oldest first."""


def common_point(ours: Epochs, our_last: int, theirs: Epochs, their_last: int) -> int:
    """The last seq up to which both logs hold the same records, 0 for none.

    ``(epoch, seq)`` names one record for ever, and whoever wrote in an epoch had all that lies before it in its own
    log; so the logs are equal up to the last record that has the same epoch in both.
    """
    mine, other = _ranges(ours, our_last), _ranges(theirs, their_last)
    common = 0
    for epoch, (first, last) in mine.items():
        if epoch in other:
            start, end = max(first, other[epoch][0]), min(last, other[epoch][1])
            if start <= end:
                common = max(common, end)
    return common


def _ranges(epochs: Epochs, last_seq: int) -> dict[int, tuple[int, int]]:
    """{epoch: (first seq, last seq)} of the epochs in which something was written."""
    ends = [*(first - 1 for _, first in epochs[1:]), last_seq]
    return {epoch: (first, end) for (epoch, first), end in zip(epochs, ends, strict=False) if first <= end}
