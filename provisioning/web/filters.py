"""What every filter row is made of."""

from django import forms
from django.urls import reverse_lazy
from django.utils.datastructures import MultiValueDict

from protocol.events import number_in


class FilterForm(forms.Form):
    """A filter in the query string, so that its address can be shared. What is not valid filters nothing,
    and web/_filter_errors.html says so."""

    def __init__(self, data: MultiValueDict, **kwargs):
        super().__init__(data, auto_id="filter-%s", **kwargs)
        for field in self.fields.values():
            field.required = False
            field.widget.is_required = False
            field.widget.attrs.setdefault("class", "input")
            if isinstance(field, forms.CharField):
                field.max_length = 255
                field.widget.attrs.setdefault("autocomplete", "off")

    def chosen(self) -> dict:
        """{field: value} of what is filled in and valid."""
        self.full_clean()
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    @property
    def active(self) -> bool:
        return bool(self.chosen())

    @property
    def is_refined(self) -> bool:
        """Whether a field counts that is folded away on a phone: any that is seen but the first."""
        return not self.chosen().keys().isdisjoint([field.name for field in self.visible_fields()[1:]])


class Named(forms.CharField):
    """A name or a part of it. What there is of ``kind`` (a key of browse.views.NAMES) is offered while somebody types,
    out of any number: in a <datalist> that the page puts beside the field."""

    def __init__(self, label: str, kind: str, **kwargs):
        super().__init__(label=label, **kwargs)
        self.list_id = f"names-of-{kind}"
        self.widget.attrs |= {
            "list": self.list_id,
            "hx-get": reverse_lazy("browse-names", args=[kind]),
            "hx-trigger": "input changed delay:150ms, focus once", "hx-target": f"#{self.list_id}",
            "hx-swap": "innerHTML", "hx-sync": "this:replace", "hx-push-url": "false",
            # What a dialog's form switches off while it is sent is looked for below the element that asks.
            "hx-disabled-elt": "unset"}


class EventNumberField(forms.CharField):
    """An event's number, as pages and logs write it or without its type and zeros; its value is an int."""

    def to_python(self, value):
        text = super().to_python(value)
        if not text:
            return None
        try:
            return number_in(text)
        except ValueError:
            raise forms.ValidationError("Write an event number as 00-05061 or 5061.") from None


def choice(label: str, choices, any_label: str = "Any") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", any_label), *choices])
