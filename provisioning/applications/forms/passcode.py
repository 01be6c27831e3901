"""Whose passcode is made."""

from django import forms

from provisioning.web.fields import Text


class LoginForm(forms.Form):
    login = Text(label="Login", mono=True, must=True, required=True, strip=True, max_length=128,
                 error_messages={"required": "Write the login that the client gives."},
                 help_text="What the client gives as its login.")
