"""When failover drills of a pair start by themselves."""

from django import forms

from provisioning.forms.fields import Check, Whole
from provisioning.models import DrillSchedule
from provisioning.services.drills import ScheduleDraft

CLOCK = forms.TimeInput(format="%H:%M", attrs={"class": "input short mono", "type": "time"})


class _Clock(forms.TimeField):
    """A time of the day, UTC."""

    def __init__(self, *, label: str, help_text: str):
        sentence = f"{label} is a time of the day, for example 03:00."
        super().__init__(label=label, help_text=help_text, widget=CLOCK,
                         error_messages={"required": sentence, "invalid": sentence})


class ScheduleForm(forms.Form):
    enabled = Check(label="Drills start by themselves", help_text="Without this, nothing starts.")
    every_days = Whole(label="Every", unit="days", help_text="Counted from the last one that started by itself.")
    at = _Clock(label="From", help_text="UTC. When a drill is due, it starts at this time.")
    until = _Clock(label="Until", help_text="UTC. What stood in the way until then makes it wait for the next day.")

    @classmethod
    def of(cls, schedule: DrillSchedule | None) -> "ScheduleForm":
        """What is stored, or a proposal: weekly at night."""
        if schedule is None:
            return cls(initial={"enabled": False, "every_days": 7, "at": "03:00", "until": "05:00"})
        return cls(initial={name: getattr(schedule, name) for name in ("enabled", "every_days", "at", "until")})

    def draft(self) -> ScheduleDraft:
        return ScheduleDraft(**self.cleaned_data)
