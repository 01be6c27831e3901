"""How two copies of one store compare, from what both members last said of themselves."""


def lag(active_last_seq: int, standby_common_seq: int) -> int:
    """Records of the active server that its standby is not known to have."""
    return max(0, active_last_seq - standby_common_seq)


def digests_equal(one: tuple[int, str], other: tuple[int, str]) -> bool | None:
    """``one`` and ``other`` are (common_seq, common_digest). None when they cannot be compared: another record, or
    none yet. Equal digests at one record prove that everything up to it is equal."""
    if one[0] != other[0] or not one[1] or not other[1]:
        return None
    return one[1] == other[1]
