"""What control is told of a server, and how often."""

from dataclasses import fields, replace

from protocol.server_messages import Progress, Report

WHOLE_EVERY_S = 60.0
_COUNTERS = tuple(each.name for each in fields(Progress))
_NOTHING = Progress()


class Reports:
    """What one connection has been told. ``report_s`` is what control's Welcome said: with 0 it wants whole reports."""

    def __init__(self, report_s: float):
        self._report_s = report_s
        self._told: Report | None = None
        self._rest: Report | None = None
        self._at = self._whole_at = 0.0

    def next(self, report: Report, now: float) -> Report | Progress | None:
        """What to tell now (``now``: seconds, of a clock that only goes on), None for nothing: the whole report when
        something other than a counter has changed, and once a minute."""
        rest = replace(report, **{name: getattr(_NOTHING, name) for name in _COUNTERS})
        told = self._told
        if told is None or not self._report_s or rest != self._rest or now - self._whole_at >= WHOLE_EVERY_S:
            self._told, self._rest, self._at, self._whole_at = report, rest, now, now
            return report
        # That time goes on is nothing to tell.
        if now - self._at < self._report_s or replace(report, clock=told.clock) == told:
            return None
        self._told, self._at = report, now
        return Progress(**{name: getattr(report, name) for name in _COUNTERS})
