"""The filter of Pairs."""

from django import forms

from provisioning.web.filters import FilterForm, choice


class PairFilter(FilterForm):
    text = forms.CharField(label="Member or host")
    show = choice("Show", [("trouble", "Trouble"), ("paused", "Automatic failover paused")], "All pairs")
