"""What is asked before a support bundle is made."""

from datetime import datetime

from django import forms
from django.utils import timezone

from provisioning.web.time_range import LENGTHS, moment_field

OWN = "own"


def _moment(label: str) -> forms.DateTimeField:
    field = moment_field(label, **{"class": "input"})
    field.required = field.widget.is_required = False
    field.help_text = f"Used with “From … to …” above. In {timezone.get_default_timezone_name()}."
    return field


class BundleForm(forms.Form):
    """Which time it is about; ``since`` and ``until`` count with "own" only."""

    time = forms.ChoiceField(label="Time", initial="day", widget=forms.RadioSelect,
                             choices=[*((name, label) for name, (label, _) in LENGTHS.items()), (OWN, "From … to …")])
    since = _moment("From")
    until = _moment("To")

    def clean(self):
        super().clean()
        values = self.cleaned_data
        if values.get("time") == OWN and not values.get("since") and "since" not in self.errors:
            self.add_error("since", "Say from when, or choose another time.")
        return values

    def chosen(self) -> tuple[datetime | None, datetime]:
        """(since, until) of what was chosen."""
        now, time = timezone.now(), self.cleaned_data["time"]
        if time != OWN:
            return now - LENGTHS[time][1], now
        return self.cleaned_data["since"], self.cleaned_data["until"] or now
