"""What the dialogs of the audit ask for."""

from datetime import date, timedelta

from django import forms

from provisioning.audit.services.waivers import LONGEST, REASON_MIN

QUICK = (("1 week", timedelta(days=7)), ("1 month", timedelta(days=30)), ("3 months", timedelta(days=91)))


class WaiveForm(forms.Form):
    """Why a finding is accepted, and until when; the rules on both are the service's."""

    reason = forms.CharField(
        label="Reason", max_length=1024, widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
        error_messages={"required": "Say why the finding is accepted."},
        help_text=f"At least {REASON_MIN} characters. Shown beside the finding, in reports and in History.")
    expires_on = forms.DateField(
        label="Until", widget=forms.DateInput(attrs={"class": "input", "type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Choose the last day of the waiver.",
                        "invalid": "Choose a date, written as year-month-day."},
        help_text="The last day, in UTC; at most a year ahead. Afterwards the finding counts again.")

    def __init__(self, data=None, *, today: date):
        super().__init__(data)
        self.today = today
        limits = {"min": f"{today:%Y-%m-%d}", "max": f"{today + LONGEST:%Y-%m-%d}"}
        self.fields["expires_on"].widget.attrs |= limits

    @property
    def quick(self) -> list[tuple[str, str]]:
        """(label, date) of the buttons that fill in the date."""
        return [(label, f"{self.today + span:%Y-%m-%d}") for label, span in QUICK]
