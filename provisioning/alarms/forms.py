"""Filters of alarms and of Alarm Conditions, and what somebody types about one."""

from django import forms

from provisioning.core.reasons import MAX_REASON
from provisioning.models import AlarmCondition
from provisioning.states import AlarmCategory, AlarmSelection, ApplicationType
from provisioning.web.fields import Check, Choice, Text, Whole, show_instead
from provisioning.web.filters import FilterForm, Named, choice

from .rules.conditions import LABELS, ConditionDraft
from .selectors.alarms import ALL, ENDED
from .services.conditions import draft_of


class AlarmFilter(FilterForm):
    text = forms.CharField(label="Text")
    state = choice("State", ((ENDED, "Cleared"), (ALL, "Active and cleared")), "Active")
    category = choice("Category", AlarmCategory.choices)
    condition = forms.CharField(label="Condition")
    application = Named("Application", "applications")
    host = Named("Host", "hosts")


class ConditionFilter(FilterForm):
    text = forms.CharField(label="Name")
    category = choice("Category", AlarmCategory.choices)
    state = choice("State", (("enabled", "Enabled"), ("disabled", "Disabled")))


class ConditionForm(forms.Form):
    """``revision``: that of the row which its sender has seen, empty for a new one."""

    name = Text(label=LABELS["name"], must=True)
    description = Text(label=LABELS["description"])
    category = Choice(label=LABELS["category"], choices=AlarmCategory.choices)
    detect_event = Text(label=LABELS["detect_event"], must=True, mono=True,
                        help_text="The number of the event that raises an alarm, for example 00-04504.")
    selection_mode = Choice(label=LABELS["selection_mode"], choices=AlarmSelection.choices,
                            help_text="Whose events count.")
    application_type = Choice(label=LABELS["application_type"], choices=[("", "None"), *ApplicationType.choices],
                              help_text="For Select By Application Type.")
    application = Named(LABELS["application"], "applications", required=False, max_length=255, help_text=(
        "For Select By Application: its name, also of a program that only writes into the log."))
    cancel_event = Text(label=LABELS["cancel_event"], mono=True,
                        help_text="The number of the event that clears the alarm of the same application. Optional.")
    cancel_timeout = Whole(label=LABELS["cancel_timeout"], unit="hours",
                           help_text="An alarm whose event does not come again is cleared after that time.")
    enabled = Check(label=LABELS["enabled"], help_text="One that is disabled raises no alarms.")
    revision = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["application"].widget.attrs |= {"class": "input", "autocomplete": "off"}

    @classmethod
    def of(cls, row: AlarmCondition | None, data=None) -> "ConditionForm":
        """``row`` is what is stored, None for a new one."""
        draft = draft_of(row) if row else ConditionDraft(name="")
        return cls(data, initial={**vars(draft), "revision": row.revision if row else None})

    def draft(self) -> ConditionDraft:
        return ConditionDraft(**{name: value for name, value in self.cleaned_data.items() if name != "revision"})

    def has_seen(self, revision: int) -> None:
        """The sender is shown what is stored now, beside what was typed."""
        show_instead(self, revision=str(revision))


class AcknowledgeForm(forms.Form):
    note = forms.CharField(
        label="Note", required=False, max_length=MAX_REASON,
        help_text="Optional. Who looks after it, and what is being done. Shown with the alarm and in History.",
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "data-autofocus": ""}))


class ClearForm(forms.Form):
    reason = Text(label="Reason", must=True, max_length=MAX_REASON, help_text="Shown with the alarm and in History.")
