"""The filter of log records, and which pair collects them."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

from provisioning.models import Application
from provisioning.web.fields import show_instead
from provisioning.web.filters import EventNumberField, FilterForm, Named, choice

from .facts import CATEGORIES_SHOWN, LEVELS_SHOWN, Query, milliseconds
from .services.setting import LABEL

RANGES = {"hour": ("The last hour", timedelta(hours=1)), "day": ("The last 24 hours", timedelta(hours=24)),
          "week": ("The last 7 days", timedelta(days=7))}


def _moment(label: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))


class LogFilter(FilterForm):
    """``since`` and ``until`` count unless ``time`` says another time."""

    text = forms.CharField(label="Text")
    time = choice("Time", [(name, label) for name, (label, _) in RANGES.items()])
    since = _moment("From")
    until = _moment("To")
    level = choice("Level", LEVELS_SHOWN.items())
    number = EventNumberField(label="Event")
    application = Named("Application", "applications")
    host = Named("Host", "hosts")
    category = choice("Category", CATEGORIES_SHOWN.items())

    def query(self, now: datetime | None = None) -> Query:
        """What it looks for."""
        chosen = self.chosen()
        since, until = chosen.pop("since", None), chosen.pop("until", None)
        if length := RANGES.get(chosen.pop("time", ""), ("", None))[1]:
            since, until = (now or timezone.now()) - length, None
        return Query(since=since and milliseconds(since), until=until and milliseconds(until),
                     event=chosen.pop("number", None), **chosen)


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
