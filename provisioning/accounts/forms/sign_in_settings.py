"""Form of the Sign-in page."""

from django import forms

from provisioning.states import FactorsOf
from provisioning.web.fields import Choice


class PolicyForm(forms.Form):
    factors_of = Choice(label="Second factor required for", choices=FactorsOf.choices)
