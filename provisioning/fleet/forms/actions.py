"""What the dialogs of Clone and Install ask."""

from crispy_forms.helper import FormHelper
from django import forms

from provisioning.web.fields import show_instead
from provisioning.web.layouts import Part, arranged


class CloneForm(forms.Form):
    name = forms.CharField(max_length=255, strip=False, label="Name",
                           help_text="Unique over all applications; at most 255 characters.",
                           error_messages={"required": "An application needs a Name."},
                           widget=forms.TextInput(
                               attrs={"class": "input", "data-autofocus": "", "autocomplete": "off"}))


class InstallForm(forms.Form):
    path = forms.CharField(
        max_length=1024, required=False, label="Directory",
        help_text="Absolute path on the host. Empty: the Working Directory, or for \".\" a directory of its own under "
                  "the host's install root.",
        widget=forms.TextInput(attrs={"class": "input mono", "data-autofocus": "", "autocomplete": "off",
                                      "placeholder": "."}))
    log_on_as = forms.CharField(
        max_length=64, required=False, label="Log On As Account",
        help_text="Account of the host that the server runs as, with the other member of its pair; SYSTEM: that of the "
                  "agent. Where that is root, a server runs as root only when root is named here.",
        widget=forms.TextInput(attrs={"class": "input medium", "autocomplete": "off"}))
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    """The account that was stored when this one was chosen; "" of a sender who looked at nothing."""

    @property
    def helper(self) -> FormHelper:
        return arranged("path", Part("fleet/_proposal.html"), summary=False)

    def has_seen(self, account: str) -> None:
        """The sender is told now which ``account`` is stored."""
        show_instead(self, seen=account)

    def without_account(self) -> "InstallForm":
        """For who may not choose the account: it stays as it is."""
        del self.fields["log_on_as"], self.fields["seen"]
        return self
