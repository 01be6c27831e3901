"""Whether the reader of log records has been away from its pair for long. Pure."""

from protocol.events import Own

BEHIND_S = 30.0
"""A failover and a restart of a server take less."""


class Behind:
    """``told``: what was told last, 0 for nothing."""

    def __init__(self, told: int = 0):
        self.told = told
        self._since: float | None = None

    def look(self, pair: str, member: str, trouble: str, now: float) -> tuple[Own, str] | None:
        """What is to be told ``now`` (monotonic seconds), None for nothing. ``member`` of ``pair`` serves the reader;
        "": none does, as ``trouble`` says. Where no pair is chosen nobody misses it."""
        if member or not (pair or trouble):
            self._since = None
            if self.told != Own.READER_BEHIND:
                return None
            said = f"The log reader reads {pair} again." if pair else "No pair is chosen any more."
            return Own.READER_CAUGHT_UP, said
        self._since = now if self._since is None else self._since
        if now - self._since < BEHIND_S or self.told == Own.READER_BEHIND:
            return None
        return Own.READER_BEHIND, f"The log reader has read nothing for {BEHIND_S:g} s. {trouble}".strip()
