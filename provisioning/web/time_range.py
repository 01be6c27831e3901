"""From when until when a list tells: declared once, for every list of what happened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from provisioning.core.moments import require_usable
from provisioning.errors import Refused

from .filters import FilterForm, choice

LENGTHS = {"hour": ("The last hour", timedelta(hours=1)), "day": ("The last 24 hours", timedelta(hours=24)),
           "week": ("The last 7 days", timedelta(days=7))}
"""{name in an address: (label, how long)}."""
SINCE_FAILOVER = "failover"


@dataclass(frozen=True)
class TimeRange:
    """[since, until); None: without an end on that side."""

    since: datetime | None = None
    until: datetime | None = None

    def of(self, rows: QuerySet, field: str = "at") -> QuerySet:
        """Those of ``rows`` that are in it."""
        if self.since is not None:
            rows = rows.filter(**{f"{field}__gte": self.since})
        return rows if self.until is None else rows.filter(**{f"{field}__lt": self.until})


class _Moment(forms.DateTimeField):
    """One at an edge of the calendar is none in another time zone, as no database asks for it."""

    def to_python(self, value):
        moment = super().to_python(value)
        if moment is not None:
            try:
                require_usable(moment)
            except Refused as error:
                raise forms.ValidationError(str(error)) from None
        return moment


def moment_field(label: str, **widget) -> forms.DateTimeField:
    """A date and a time of the console's own time zone."""
    return _Moment(
        label=label, error_messages={"invalid": "Write a date and a time, for example 2026-11-30 11:03."},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "any", **widget}, format="%Y-%m-%dT%H:%M"))


class TimeRangeFilter(FilterForm):
    """``since`` and ``until`` count unless ``time`` says another time."""

    time = choice("Time", [*((name, label) for name, (label, _) in LENGTHS.items()),
                           (SINCE_FAILOVER, "Since the last failover")])
    since = moment_field("From")
    until = moment_field("To")
    field_order = ("text",)

    def clean(self):
        """What contradicts another field is said and does not count."""
        super().clean()
        time, since, until = (self.cleaned_data.get(name) for name in ("time", "since", "until"))
        if time:
            for name in ("since", "until"):
                if self.cleaned_data.get(name):
                    self.add_error(name, "Choose either this or a Time.")
        elif since and until and until <= since:
            self.add_error("until", "This is not after From.")

    def parts(self, failover: Callable[..., datetime | None], *, now: datetime | None = None) -> tuple[TimeRange, dict]:
        """(from when until when, the rest of what is chosen). ``failover`` is called with that rest, where it matters,
        and says when the active server changed last; None, when none has, leaves the range without a beginning."""
        rest = self.chosen()
        time, since, until = (rest.pop(name, None) for name in ("time", "since", "until"))
        if time == SINCE_FAILOVER:
            return TimeRange(failover(**rest)), rest
        if time:
            return TimeRange((now or timezone.now()) - LENGTHS[time][1]), rest
        return TimeRange(since, until), rest
