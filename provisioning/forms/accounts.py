"""Forms of the people who sign in."""

from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from provisioning.permissions import origin_of
from provisioning.rules.sign_in import Lock
from provisioning.services.sign_in import SignInRefused, confirm, sign_in


class SignInForm(AuthenticationForm):
    """``lock`` is what keeps whoever tries from signing in, None for nothing."""

    lock: Lock | None = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"

    @sensitive_variables()
    def clean(self):
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name and password:
            try:
                self.user_cache = sign_in(name=name, password=password, origin=origin_of(self.request))
            except SignInRefused as refused:
                self.lock = refused.lock
                raise ValidationError(str(refused)) from None
        return self.cleaned_data


class PasswordForm(PasswordChangeForm):
    def __init__(self, *args, origin: str, **kwargs):
        super().__init__(*args, **kwargs)
        self._origin = origin
        labels = {"old_password": "Current password", "new_password1": "New password",
                  "new_password2": "New password again"}
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs["class"] = "input"
        self.fields["new_password1"].help_text = "At least 10 characters, and not one of the common passwords."
        self.fields["new_password2"].help_text = ""

    @sensitive_variables("password")
    def clean_old_password(self):
        password = self.cleaned_data["old_password"]
        try:
            confirm(user=self.user, password=password, origin=self._origin)
        except SignInRefused as refused:
            raise ValidationError(str(refused)) from None
        return password

    @sensitive_variables()
    def clean(self):
        values = super().clean()
        if values.get("old_password") and values["old_password"] == values.get("new_password1"):
            self.add_error("new_password1", "This is the present password. Choose another one.")
        return values
