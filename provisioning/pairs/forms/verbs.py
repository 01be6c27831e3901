"""What the dialogs of the Pair page ask for."""

from django import forms

from provisioning.core.reasons import MAX_REASON
from provisioning.pairs.rules.restored import Choice
from provisioning.web.reasons import ReasonForm


class PauseForm(ReasonForm):
    reason = forms.CharField(label="Reason", max_length=MAX_REASON,
                             error_messages={"required": "Say why: everybody sees it until failover is resumed."},
                             help_text="Everybody sees it on every page until failover is resumed.",
                             widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}))


class PromoteForm(ReasonForm):
    """The name of the server whose newest messages are given up has to be typed."""

    accept_data_loss = forms.CharField(
        label="Type its name", required=True, max_length=255, strip=False,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}))
    field_order = ["accept_data_loss", "reason"]

    def __init__(self, *args, lost: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["accept_data_loss"].help_text = f"Type {lost} to accept that its newest messages are given up."
        self.fields["accept_data_loss"].error_messages["required"] = f"Type {lost}, or cancel."


class GoOnForm(ReasonForm):
    """Who goes on after an older database was put back; whose records are given up by that has to be typed."""

    server = forms.CharField(max_length=255, strip=False, widget=forms.HiddenInput)
    accept_data_loss = forms.CharField(
        label="Type its name", required=False, max_length=255, strip=False,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}))
    field_order = ["server", "accept_data_loss", "reason"]

    def is_about(self, choice: Choice, number: int, *, can_be: bool) -> None:
        """Ask for what this choice needs; it is the form of this number on its page. Of a choice that cannot be made
        now nothing is asked."""
        self.auto_id = f"member-{number}-%s"
        if choice.to_type:
            self.fields["accept_data_loss"].help_text = (
                f"Type {choice.to_type} to accept that its records are given up.")
        else:
            del self.fields["accept_data_loss"]
        if not can_be:
            self.fields = {"server": self.fields["server"]}


class ExceptionForm(forms.Form):
    """What may differ between the members of a pair, and why."""

    what = forms.CharField(max_length=320, widget=forms.HiddenInput)
    reason = forms.CharField(label="Reason", max_length=1024,
                             error_messages={"required": "Say why the members may differ there."},
                             help_text="Shown in the comparison, for whoever looks at the pair later.",
                             widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}))
