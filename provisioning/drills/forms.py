"""When failover drills of a pair start by themselves."""

from django import forms

from provisioning.models import DrillSchedule
from provisioning.web.fields import Check, Whole, show_instead

from .services.drills import LABELS, ScheduleDraft, mark_of

CLOCK = forms.TimeInput(format="%H:%M", attrs={"class": "input short mono", "type": "time"})


class _Clock(forms.TimeField):
    """A time of the day, UTC."""

    def __init__(self, *, label: str, help_text: str):
        sentence = f"{label} is a time of the day, for example 03:00."
        super().__init__(label=label, help_text=help_text, widget=CLOCK,
                         error_messages={"required": sentence, "invalid": sentence})


class ScheduleForm(forms.Form):
    """``seen``: what was set when this was chosen."""

    enabled = Check(label=LABELS["enabled"], help_text="Without this, nothing starts.")
    every_days = Whole(label=LABELS["every_days"], unit="days",
                       help_text="Counted from the last one that started by itself.")
    at = _Clock(label=LABELS["at"], help_text="UTC. When a drill is due, it starts at this time.")
    until = _Clock(label=LABELS["until"],
                   help_text="UTC. What stood in the way until then makes it wait for the next day.")
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    @classmethod
    def of(cls, schedule: DrillSchedule | None, data=None) -> "ScheduleForm":
        """What is stored, or a proposal: weekly at night."""
        stored = {"enabled": False, "every_days": 7, "at": "03:00", "until": "05:00"} if schedule is None else {
            name: getattr(schedule, name) for name in LABELS}
        return cls(data, initial=stored | {"seen": mark_of(schedule)})

    def has_seen(self, schedule: DrillSchedule | None) -> None:
        """The sender is shown ``schedule`` now, beside what was chosen."""
        show_instead(self, seen=mark_of(schedule))

    def clean_seen(self) -> str | None:
        """None of a sender who looked at nothing."""
        return self.cleaned_data["seen"] or None

    def draft(self) -> ScheduleDraft:
        return ScheduleDraft(**{name: self.cleaned_data[name] for name in LABELS})
