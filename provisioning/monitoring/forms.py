"""The filter of the timeline."""

from django import forms

from provisioning.states import TOLD_LEVELS
from provisioning.web.filters import EventNumberField, Named, choice
from provisioning.web.time_range import TimeRangeFilter


class EventFilter(TimeRangeFilter):
    text = forms.CharField(label="Text")
    application = Named("Application", "applications")
    host = Named("Host", "hosts")
    number = EventNumberField(label="Number")
    level = choice("Level", ((level, level.label) for level in TOLD_LEVELS))
