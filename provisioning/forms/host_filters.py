"""The filter of Hosts."""

from django import forms

from provisioning.forms.filters import FilterForm, choice
from provisioning.states import KNOWN_HOST_STATUSES


class HostFilter(FilterForm):
    text = forms.CharField(label="Name or address")
    status = choice("Status", ((status, status.label) for status in KNOWN_HOST_STATUSES))
