"""Why somebody does something: asked wherever History keeps it, and never required."""

from collections.abc import Mapping
from typing import Any

from django import forms

from provisioning.core.reasons import MAX_REASON


class ReasonForm(forms.Form):
    """Why it is done; kept in History and shown in the timeline."""

    reason = forms.CharField(label="Reason", required=False, max_length=MAX_REASON,
                             help_text="Optional. Shown in History.",
                             widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}))


class ChangeReasonForm(ReasonForm):
    """The same below the fields of an editor."""

    def __init__(self, data: Mapping[str, Any] | None = None, **kwargs: Any):
        # A dialog over the editor asks for a reason too.
        super().__init__(data, auto_id="change_%s", label_suffix="", **kwargs)
        self.fields["reason"].label = "Reason for this change"
