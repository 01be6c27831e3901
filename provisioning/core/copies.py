"""How two copies of one store compare, from what both members last said of themselves."""

from typing import Protocol


class Copy(Protocol):
    """``common_digest``: the running digest at ``common_seq``, the last record that both have; ``first_seq``: the first
    record that is kept here, 0 when the server did not say."""

    @property
    def common_seq(self) -> int: ...

    @property
    def common_digest(self) -> str: ...

    @property
    def first_seq(self) -> int: ...


def lag(active_last_seq: int, standby_common_seq: int) -> int:
    """Records of the active server that its standby is not known to have."""
    return max(0, active_last_seq - standby_common_seq)


def equal(one: Copy, other: Copy) -> bool | None:
    """Whether both have the same records up to the common one. None when they cannot be compared: at another record, or
    at none yet. Equal digests there prove that what both have is the same, not that both still have its beginning."""
    if one.common_seq != other.common_seq or not one.common_digest or not other.common_digest:
        return None
    return one.common_digest == other.common_digest and begin_alike(one, other)


def begin_alike(one: Copy, other: Copy) -> bool:
    """False when one is known to begin at another record than the other."""
    return one.first_seq == other.first_seq or 0 in (one.first_seq, other.first_seq)
