"""The filter of log records, and which pair collects them."""

from datetime import datetime

from django import forms

from provisioning.core.events import last_failover
from provisioning.models import Application
from provisioning.pairs.selectors.pairs import member_names
from provisioning.web.fields import show_instead
from provisioning.web.filters import EventNumberField, Named, choice
from provisioning.web.time_range import TimeRangeFilter

from .facts import CATEGORIES_SHOWN, LEVELS_SHOWN, Query, milliseconds
from .services.setting import LABEL


class LogFilter(TimeRangeFilter):
    text = forms.CharField(label="Text")
    level = choice("Level", LEVELS_SHOWN.items())
    number = EventNumberField(label="Event")
    application = Named("Application", "applications")
    pair = Named("Pair", "pairs")
    host = Named("Host", "hosts")
    category = choice("Category", CATEGORIES_SHOWN.items())

    def query(self, now: datetime | None = None) -> Query:
        """What it looks for. A pair is called as either of its members."""
        within, chosen = self.parts(_last_failover, now=now)
        if pair := chosen.pop("pair", ""):
            chosen["members"] = tuple(member_names(pair))
        since, until = (None if at is None else milliseconds(at) for at in (within.since, within.until))
        return Query(since=since, until=until, event=chosen.pop("number", None), **chosen)


def _last_failover(*, pair: str = "", application: str = "", **others: object) -> datetime | None:
    return last_failover(member_names(pair)[0] if pair else application)


class SettingForm(forms.Form):
    """``seen``: what was chosen when this was asked for."""

    application = Named(LABEL, "applications", required=False, max_length=255, help_text=(
        "The primary of the pair that collects log records, or a Message Server without a Backup Server. Empty: none "
        "are collected."))
    seen = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["application"].widget.attrs |= {"class": "input", "autocomplete": "off"}

    @classmethod
    def of(cls, row: Application | None, seen: str, data=None) -> "SettingForm":
        """``row`` is what is stored."""
        return cls(data, initial={"application": row.name if row else "", "seen": seen})

    def has_seen(self, seen: str) -> None:
        """The sender is shown what is chosen now, beside what was typed."""
        show_instead(self, seen=seen)
