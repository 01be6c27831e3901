"""Forms of the people who sign in."""

from crispy_forms.helper import FormHelper
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.views.decorators.debug import sensitive_variables

from provisioning.accounts.rules.sign_in import Lock
from provisioning.accounts.services.sign_in import SignInRefused, check_password, confirm
from provisioning.core.permissions import origin_of
from provisioning.web.layouts import arranged


class SignInForm(AuthenticationForm):
    """``lock`` is what keeps whoever tries from signing in, None for nothing."""

    lock: Lock | None = None
    MISSING = {"username": "Type your user name.", "password": "Type your password."}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"
        for name, sentence in self.MISSING.items():
            field = self.fields[name]
            field.widget.attrs["class"] = "input"
            field.error_messages["required"] = sentence
            # Nobody has to be told by a mark that signing in takes both.
            field.must = False  # type: ignore[attr-defined]  # of our templates, and the fields are Django's own

    @property
    def helper(self) -> FormHelper:
        return arranged(*self.fields, summary=False)

    def _ask_for_the_password_again(self) -> None:
        """The user name is there still: the next thing to type is the password."""
        self.fields["username"].widget.attrs.pop("autofocus", None)
        self.fields["password"].widget.attrs |= {"autofocus": True, "aria-invalid": "true"}

    @sensitive_variables()
    def clean(self):
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if name and password:
            try:
                self.user_cache = check_password(name=name, password=password, origin=origin_of(self.request))
            except SignInRefused as refused:
                self.refuse(refused)
        return self.cleaned_data

    def refuse(self, refused: SignInRefused) -> None:
        self.lock = refused.lock
        self._ask_for_the_password_again()
        self.add_error(None, str(refused))


class PasswordForm(PasswordChangeForm):
    LABELS = {"old_password": "Current password", "new_password1": "New password",
              "new_password2": "New password again"}

    def __init__(self, *args, origin: str, **kwargs):
        super().__init__(*args, **kwargs)
        self._origin = origin
        for name, label in self.LABELS.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs["class"] = "input"
            self.fields[name].error_messages["required"] = f"Type your {label[0].lower()}{label[1:]}."
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
        super().clean()
        values = self.cleaned_data
        if values.get("old_password") and values["old_password"] == values.get("new_password1"):
            self.add_error("new_password1", "This is the current password. Choose another one.")
        return values
