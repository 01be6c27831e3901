"""Forms of second factors."""

from django import forms
from django.contrib.auth.models import User

from provisioning.accounts.selectors.factors import has_password
from provisioning.accounts.services.passkeys import LONGEST, NAME_MAX
from provisioning.web.fields import Text

CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "data-autofocus": "", "autofocus": True}


class FactorForm(forms.Form):
    """A code, or what a browser ``answer`` for a passkey to what was asked, ``sealed``."""

    code = Text(label="Code", mono=True, max_length=64)
    answer = forms.CharField(required=False, max_length=LONGEST, widget=forms.HiddenInput)
    sealed = forms.CharField(required=False, max_length=LONGEST, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= CODE

    def clean(self):
        values = super().clean() or {}
        if not self.errors and not values.get("code") and not values.get("answer"):
            self.add_error("code", "Type the code.")
        return values


class ConfirmForm(FactorForm):
    """Asks for the password where there is one, else for a second factor."""

    password = forms.CharField(required=False, strip=False, widget=forms.PasswordInput(
        attrs={"class": "input", "autocomplete": "current-password", "data-autofocus": "", "autofocus": True}))
    field_order = ("password", "code", "answer", "sealed")

    def __init__(self, *args, user: User, **kwargs):
        super().__init__(*args, **kwargs)
        self.asks_for_password = has_password(user)
        for name in ("code", "answer", "sealed") if self.asks_for_password else ("password",):
            del self.fields[name]

    def clean(self):
        if not self.asks_for_password:
            return super().clean()
        values = self.cleaned_data
        if not values.get("password"):
            self.add_error("password", "Type your password.")
        return values


class AppForm(forms.Form):
    """``sealed`` is the secret that the page shows."""

    code = Text(label="Code", mono=True, max_length=64)
    sealed = forms.CharField(required=False, max_length=1000, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= CODE


class PasskeyForm(forms.Form):
    name = Text(label="Name", max_length=NAME_MAX)
    answer = forms.CharField(required=False, max_length=LONGEST, widget=forms.HiddenInput)
    sealed = forms.CharField(required=False, max_length=LONGEST, widget=forms.HiddenInput)
