"""The filter of the timeline."""

from django import forms

from protocol.events import number_in
from provisioning.states import TOLD_LEVELS
from provisioning.web.filters import FilterForm, Named, choice


class EventNumberField(forms.CharField):
    """An event's number, as pages and logs write it or without its type and zeros; its value is an int."""

    def to_python(self, value):
        text = super().to_python(value)
        if not text:
            return None
        try:
            return number_in(text)
        except ValueError:
            raise forms.ValidationError("Write an event number as 00-05061 or 5061.") from None


class EventFilter(FilterForm):
    text = forms.CharField(label="Text")
    application = Named("Application", "applications")
    host = Named("Host", "hosts")
    number = EventNumberField(label="Number")
    level = choice("Level", ((level, level.label) for level in TOLD_LEVELS))
