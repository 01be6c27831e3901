"""What Join by SSH asks: where, then who."""

from crispy_forms.helper import FormHelper
from django import forms

from provisioning.hosts.rules.ssh_joining import PORT_DEFAULT, Login
from provisioning.web.layouts import arranged

KEY_MAX = 20_000
_TEXT = {"class": "input", "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


class PortForm(forms.Form):
    port = forms.IntegerField(label="SSH Port", min_value=1, max_value=65535, initial=PORT_DEFAULT,
                              error_messages=dict.fromkeys(("required", "invalid"), "SSH Port must be a whole number."),
                              widget=forms.TextInput(attrs={"class": "input short", "inputmode": "numeric"}))

    @property
    def helper(self) -> FormHelper:
        return arranged(*self.fields, summary=False)


class LoginForm(PortForm):
    """``key`` is the host key that the page showed and the reader confirmed by sending this form."""

    port = forms.IntegerField(label="SSH Port", min_value=1, max_value=65535, widget=forms.HiddenInput)
    key = forms.CharField(max_length=KEY_MAX, widget=forms.HiddenInput)
    user = forms.CharField(label="User", max_length=64, initial="root", widget=forms.TextInput(attrs=_TEXT),
                           error_messages={"required": "Say who logs in."},
                           help_text="root, or an account that may use sudo.")
    password = forms.CharField(
        label="Password", required=False, strip=False, max_length=1024,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "new-password"}),
        help_text="Used once, for this login and for sudo. It is kept nowhere.")
    private_key = forms.CharField(
        label="Private key", required=False, max_length=KEY_MAX,
        widget=forms.Textarea(attrs={**_TEXT, "class": "input mono", "rows": 4}),
        help_text="Instead of a password: the whole file. It is kept nowhere.")
    passphrase = forms.CharField(
        label="Passphrase of the key", required=False, strip=False, max_length=1024,
        widget=forms.PasswordInput(attrs={"class": "input", "autocomplete": "new-password"}))

    def clean(self):
        super().clean()
        given = self.cleaned_data
        if given.get("user", "").startswith("-") or any(ord(c) <= 32 for c in given.get("user", "")):
            self.add_error("user", "A user name has no blanks and does not begin with \"-\".")
        if not given.get("password") and not given.get("private_key"):
            self.add_error("password", "Type the password, or paste a private key below.")
        if "\n" in given.get("password", ""):
            self.add_error("password", "A password is one line.")
        return given

    def login(self) -> Login:
        given = self.cleaned_data
        private_key = given["private_key"].replace("\r\n", "\n").strip()
        return Login(user=given["user"], password=given["password"], passphrase=given["passphrase"],
                     private_key=f"{private_key}\n" if private_key else "")
