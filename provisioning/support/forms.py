"""What is asked before a support bundle is made."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

RANGES = {"hour": ("The last hour", timedelta(hours=1)), "day": ("The last 24 hours", timedelta(hours=24)),
          "week": ("The last 7 days", timedelta(days=7)), "own": ("From … to …", None)}


def _moment(label: str) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, required=False,
        help_text=f"Used with “From … to …” above. In {timezone.get_default_timezone_name()}.",
        widget=forms.DateTimeInput(attrs={"class": "input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))


class BundleForm(forms.Form):
    """Which time it is about; ``since`` and ``until`` count with "own" only."""

    time = forms.ChoiceField(label="Time", initial="day", widget=forms.RadioSelect,
                             choices=[(name, label) for name, (label, _) in RANGES.items()])
    since = _moment("From")
    until = _moment("To")

    def clean(self):
        super().clean()
        values = self.cleaned_data
        if values.get("time") == "own" and not values.get("since") and "since" not in self.errors:
            self.add_error("since", "Say from when, or choose another time.")
        return values

    def chosen(self) -> tuple[datetime | None, datetime]:
        """(since, until) of what was chosen."""
        now, (_, length) = timezone.now(), RANGES[self.cleaned_data["time"]]
        if length is not None:
            return now - length, now
        return self.cleaned_data["since"], self.cleaned_data["until"] or now
