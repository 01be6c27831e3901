"""Which log file is shown, and what is looked for in it."""

from django import forms

from provisioning.web.filters import FilterForm

from .facts import Answer


class LogChoice(FilterForm):
    """``answer`` says which files there are."""

    file = forms.ChoiceField(label="File")
    search = forms.CharField(label="Search")

    def __init__(self, answer: Answer, search: str):
        super().__init__({"file": answer.file, "search": search}, prefix=None)
        self.fields["file"].choices = [(each.name, each.label) for each in answer.files] or [(answer.file, answer.file)]
        self.fields["search"].widget.attrs |= {"type": "search", "data-log-search": "", "maxlength": 255}
