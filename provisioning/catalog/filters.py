"""The filter of Application Templates and Installation Packages."""

from django import forms

from provisioning.states import ApplicationType
from provisioning.web.filters import FilterForm, choice


class CatalogFilter(FilterForm):
    text = forms.CharField(label="Name or version")
    type = choice("Type", ApplicationType.choices)
