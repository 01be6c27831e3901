"""What is asked before a search is saved."""

from django import forms

from provisioning.models import SavedSearch
from provisioning.models.searches import QUERY_CHARACTERS


class SearchForm(forms.Form):
    """``query``: the filter as it was when this was asked for. Only who ``may_share`` is asked about that;
    of anybody else who sends it the service says why not."""

    name = forms.CharField(label="Name", max_length=SavedSearch._meta.get_field("name").max_length,
                           widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off"}),
                           error_messages={"required": "Write a name."})
    shared = forms.BooleanField(label="For everybody", required=False,
                                help_text="Everybody sees it in this list. Administrators can delete it.")
    query = forms.CharField(required=False, max_length=QUERY_CHARACTERS, widget=forms.HiddenInput)

    def __init__(self, *args, may_share: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if not may_share:
            self.fields["shared"].widget = forms.HiddenInput()
