"""Which log file is shown, and what is looked for in it."""

from django import forms
from django.utils.datastructures import MultiValueDict

from provisioning.web.fields import offer
from provisioning.web.filters import FilterForm

from .facts import Answer


class LogChoice(FilterForm):
    """``answer`` says which files there are."""

    file = forms.ChoiceField(label="File")
    search = forms.CharField(label="Search")

    def __init__(self, answer: Answer, search: str):
        super().__init__(MultiValueDict({"file": [answer.file], "search": [search]}))
        named = [(each.name, each.label) for each in answer.files]
        offer(self, "file", named or [(answer.file, answer.file)])
        self.fields["search"].widget.attrs |= {"type": "search", "data-log-search": "", "maxlength": 255}
