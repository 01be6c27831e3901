"""What people look for among messages, and a message that they write."""

from django import forms

from provisioning.web.fields import Text, Told, Whole
from provisioning.web.filters import FilterForm
from provisioning.web.time_range import TimeRangeFilter

from .facts import EVERYTHING
from .rules import HEADERS_LARGEST, SEQ_MAX, header_wanted, headers_typed, pattern_problem


class Pattern(forms.CharField):
    """A destination, or the beginning of some and ``*``."""

    def to_python(self, value):
        text = super().to_python(value)
        if text and (problem := pattern_problem(text)):
            raise forms.ValidationError(problem)
        return text


class Beginning(forms.CharField):
    """That of destinations."""

    def to_python(self, value):
        text = super().to_python(value)
        if text and not text.startswith("/"):
            raise forms.ValidationError("A destination begins with /, for example /topic/.")
        return text


class Header(forms.CharField):
    """``name: value``; its value is both."""

    def to_python(self, value):
        text = super().to_python(value)
        if not text:
            return None
        try:
            return header_wanted(text)
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None


class MessageFilter(TimeRangeFilter):
    of = Pattern(label="Destination", widget=forms.TextInput(attrs={"placeholder": EVERYTHING}))
    header = Header(label="Header", widget=forms.TextInput(attrs={"placeholder": "name: value"}))
    field_order = ("of",)


class DestinationFilter(FilterForm):
    begins = Beginning(label="Begins with", widget=forms.TextInput(attrs={"placeholder": "/topic/"}))


class LongText(Told, forms.CharField):
    """Several lines, as they are typed."""

    def __init__(self, *args, rows: int, **kwargs):
        super().__init__(*args, strip=False, widget=forms.Textarea(attrs={
            "rows": rows, "class": "input mono", "spellcheck": "false", "autocomplete": "off"}), **kwargs)


class Headers(LongText):
    """One a line; its value is {name: value}."""

    def to_python(self, value):
        try:
            return headers_typed(super().to_python(value) or "")
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None


class PublishForm(forms.Form):
    """``sure`` is the destination that its sender has confirmed."""

    destination = Text(label="Destination", mono=True, must=True, max_length=255, help_text="For example /topic/test.")
    headers = Headers(label="Headers", rows=3, max_length=HEADERS_LARGEST,
                      help_text="One a line, for example type: test.")
    body = LongText(label="Body", rows=8, help_text="Text, at most 64 KB.")
    sure = forms.CharField(required=False, max_length=255, widget=forms.HiddenInput)


class MoveForm(forms.Form):
    seq = Whole(label="Seq", min_value=0, max_value=SEQ_MAX, must=True,
                help_text="The subscription goes on with the first message behind it; 0 is the beginning.")
