"""Forms of the Sign-in page."""

from django import forms

from provisioning.states import FactorsOf
from provisioning.web.fields import Choice, Text


class PolicyForm(forms.Form):
    """``seen``: what was chosen when this was asked for."""

    factors_of = Choice(label="Second factor required for", choices=FactorsOf.choices)
    seen = forms.CharField(required=False, max_length=32, widget=forms.HiddenInput)


class DirectoryForm(forms.Form):
    name = Text(label="User name", max_length=150, help_text="As it is typed at the sign-in page.", must=True,
                required=True, strip=True, error_messages={"required": "Whom to look for?"})
