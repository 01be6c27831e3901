"""The filters of Pairs and of the changes of one."""

from django import forms

from provisioning.pairs.rules.changes import KINDS
from provisioning.web.filters import FilterForm, choice
from provisioning.web.time_range import TimeRangeFilter


class PairFilter(FilterForm):
    text = forms.CharField(label="Member or host")
    show = choice("Show", [("trouble", "Trouble"), ("paused", "Automatic failover paused")], "All pairs")


class ChangesFilter(TimeRangeFilter):
    kind = choice("What", reversed(KINDS.items()), "Everything")
