"""Forms of the people who sign in."""

from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm


class SignInForm(AuthenticationForm):
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The user name or the password is wrong. Both are case-sensitive.",
        "inactive": "This account is switched off. Ask an administrator to switch it on.",
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name"
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"


class PasswordForm(PasswordChangeForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        labels = {"old_password": "Present password", "new_password1": "New password",
                  "new_password2": "New password again"}
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs["class"] = "input"
        self.fields["new_password1"].help_text = "At least 10 characters, and not one of the common passwords."
        self.fields["new_password2"].help_text = ""
