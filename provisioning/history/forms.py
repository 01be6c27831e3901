"""Filters of History and of deleted objects."""

from django import forms

from provisioning.history.kinds import LABELS
from provisioning.states import HistoryAction
from provisioning.web.fields import offer
from provisioning.web.filters import FilterForm, choice
from provisioning.web.time_range import TimeRangeFilter


class HistoryFilter(TimeRangeFilter):
    text = forms.CharField(label="Object or reason")
    object_type = choice("Kind of object", LABELS.items())
    action = choice("What", HistoryAction.choices)
    user = choice("Who", [], "Anybody")
    object_id = forms.CharField(widget=forms.HiddenInput)
    request_id = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data, *, users: list[str]):
        super().__init__(data)
        offer(self, "user", [("", "Anybody"), *((name, name) for name in users)])


class DeletedFilter(FilterForm):
    text = forms.CharField(label="Name")
    object_type = choice("Kind of object", LABELS.items())
