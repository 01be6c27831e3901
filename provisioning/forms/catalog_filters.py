"""The filter of Application Templates and Installation Packages."""

from django import forms

from provisioning.forms.filters import FilterForm, choice
from provisioning.states import ApplicationType


class CatalogFilter(FilterForm):
    text = forms.CharField(label="Name or version")
    type = choice("Type", ApplicationType.choices)
