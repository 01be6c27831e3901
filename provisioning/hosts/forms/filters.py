"""The filter of Hosts."""

from django import forms

from provisioning.states import KNOWN_HOST_STATUSES
from provisioning.web.filters import FilterForm, choice


class HostFilter(FilterForm):
    text = forms.CharField(label="Name or address")
    status = choice("Status", ((status, status.label) for status in KNOWN_HOST_STATUSES))
