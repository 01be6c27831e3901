"""Form of the Sign-in page."""

from django import forms

from provisioning.states import FactorsOf
from provisioning.web.fields import Choice


class PolicyForm(forms.Form):
    """``seen``: what was chosen when this was asked for."""

    factors_of = Choice(label="Second factor required for", choices=FactorsOf.choices)
    seen = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)
