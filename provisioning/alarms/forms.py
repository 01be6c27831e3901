"""Filters of alarms and of Alarm Conditions, and what somebody types about one."""

from collections.abc import Callable
from datetime import datetime, timedelta

from crispy_forms.helper import FormHelper
from django import forms
from django.utils import timezone

from provisioning.core.reasons import MAX_REASON
from provisioning.models import AlarmCondition
from provisioning.states import AlarmCategory, AlarmSelection, ApplicationType, MaintenanceKind, ReactionVerb
from provisioning.web.channels import Channels
from provisioning.web.fields import Check, Choice, Key, Sentences, Several, Text, Told, Whole, offered, show_instead
from provisioning.web.filters import FilterForm, Named, choice
from provisioning.web.layouts import Section, arranged

from .rules.conditions import LABELS, REACTIONS, ConditionDraft
from .rules.maintenance import LABELS as MAINTENANCE
from .rules.maintenance import MaintenanceDraft, field_of
from .selectors.alarms import ALL, ENDED, MASKED
from .selectors.maintenance import OVER
from .services.conditions import draft_of


class AlarmFilter(FilterForm):
    text = forms.CharField(label="Text")
    state = choice("State", ((MASKED, "Masked"), (ENDED, "Cleared"), (ALL, "Active and cleared")), "Active")
    category = choice("Category", AlarmCategory.choices)
    condition = forms.CharField(label="Condition")
    application = Named("Application", "applications")
    host = Named("Host", "hosts")
    cause = Key(label="Cause")


class ConditionFilter(FilterForm):
    text = forms.CharField(label="Name")
    category = choice("Category", AlarmCategory.choices)
    state = choice("State", (("enabled", "Enabled"), ("disabled", "Disabled")))


def _verbs(name: str, help_text: str) -> Several:
    return Several(label=LABELS[name], choices=ReactionVerb.choices, gone="%(value)s is no reaction.",
                   help_text=help_text)


class ConditionForm(forms.Form):
    """``revision``: that of the row which its sender has seen, empty for a new one."""

    name = Text(label=LABELS["name"], must=True)
    description = Sentences(label=LABELS["description"])
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
    cancel_timeout = Whole(label=LABELS["cancel_timeout"], unit="hours", help_text=(
        "An alarm whose event does not come again is cleared after that time. 0: it lasts until its Cancel Event, "
        "or until somebody clears it."))
    enabled = Check(label=LABELS["enabled"], help_text="One that is disabled raises no alarms.")
    reactions = _verbs("reactions", "What the console does by itself with the application when an alarm is raised, in "
                                    "this order.")
    channels = Channels(label=LABELS["channels"], help_text=(
        "They are told of each alarm that no maintenance masks, without a notification rule."))
    clearance_reactions = _verbs("clearance_reactions", "When its Cancel Event or Cancel Timeout clears an alarm.")
    clearance_channels = Channels(label=LABELS["clearance_channels"], help_text=(
        "They are told when an alarm is cleared, also by hand."))
    revision = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["application"].widget.attrs |= {"class": "input", "autocomplete": "off"}
        for name in REACTIONS.values():
            if not offered(self, name):
                self.fields[name].help_text = (
                    "There is no channel yet. Create one at Monitoring > Notifications > Channels.")

    @property
    def helper(self) -> FormHelper:
        return arranged(
            "name", "description", "category", "detect_event", "selection_mode", "application_type", "application",
            "cancel_event", "cancel_timeout", "enabled",
            Section("Reactions", "reactions", "channels", "clearance_reactions", "clearance_channels"))

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


class MaintenanceFilter(FilterForm):
    text = forms.CharField(label="Name or reason")
    state = choice("State", ((OVER, "Over"),), "Not over")


class Moment(Told, forms.DateTimeField):
    """A date and a time."""


class Concerned(Told, Named):
    """What it is about, by its name; of two such fields the form shows the one that its kind asks for."""


def _in_an_hour() -> datetime:
    """The minute in which one that begins now and is short has ended."""
    return (timezone.localtime() + timedelta(hours=1, minutes=1)).replace(second=0, microsecond=0)


def _moment(name: str, help_text: str, *, must: bool = False, initial: Callable[[], datetime] | None = None) -> Moment:
    label = MAINTENANCE[name]
    return Moment(
        label=label, must=must, initial=initial, help_text=f"{help_text} In {timezone.get_default_timezone_name()}.",
        error_messages={"invalid": f"{label} is a date and a time, for example 2026-12-01 03:00."},
        widget=forms.DateTimeInput(attrs={"class": "input", "type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))


class MaintenanceForm(forms.Form):
    kind = Choice(label=MAINTENANCE["kind"], choices=MaintenanceKind.choices, initial=MaintenanceKind.HOST)
    host = Concerned(MAINTENANCE["host"], "hosts", must=True, max_length=255, help_text="For Host.")
    application = Concerned(MAINTENANCE["application"], "applications", must=True, max_length=255, help_text=(
        "For Application, or either member for Pair."))
    begins_at = _moment("begins_at", "Empty: now.")
    ends_at = _moment("ends_at", "At most 30 days later.", must=True, initial=_in_an_hour)
    reason = Text(label=MAINTENANCE["reason"], must=True, max_length=MAX_REASON,
                  help_text="Shown with what is masked, and in History.")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("host", "application"):
            self.fields[name].widget.attrs |= {"class": "input", "autocomplete": "off"}

    def draft(self) -> MaintenanceDraft:
        values = self.cleaned_data
        return MaintenanceDraft(kind=values["kind"], name=values[field_of(values["kind"])],
                                begins_at=values["begins_at"], ends_at=values["ends_at"], reason=values["reason"])
