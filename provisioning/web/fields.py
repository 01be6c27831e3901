"""Form fields that know their unit and the rule behind them; the page shows both (templates/pairwise/field.html)."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms

from provisioning.core.text import KEY_DIGITS
from provisioning.declared import labels

DIGITS = forms.TextInput(attrs={"inputmode": "numeric"})
"""For whole numbers: a browser's own number field sends nothing at all of a text that is none."""


class Told(forms.Field):
    """Adds ``unit`` (shown inside the field), ``rule`` (shown behind the "?") and ``must`` (marked as required; the
    sentence that refuses an empty one comes from provisioning.applications.rules)."""

    def __init__(self, *args, unit: str = "", rule: str = "", must: bool = False, css: str = "input", **kwargs):
        self.unit, self.rule, self.must = unit, rule, must
        kwargs.setdefault("required", False)
        super().__init__(*args, **kwargs)
        if css:
            self.widget.attrs.setdefault("class", css)

    def called(self, label: str) -> None:
        """What the field is called, where it is not said with the field."""
        self.label = label


class Text(Told, forms.CharField):
    """One line. Blanks at the ends stay, so that the rules can say that they are there."""

    def __init__(self, *args, mono: bool = False, **kwargs):
        kwargs.setdefault("strip", False)
        super().__init__(*args, css="input mono" if mono else "input", **kwargs)
        self.widget.attrs.setdefault("autocomplete", "off")
        self.widget.attrs.setdefault("spellcheck", "false")


class Sentences(Text):
    """One line that may be long: all of it is seen while it is typed. Ends of lines become blanks."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, widget=forms.Textarea(attrs={"rows": 2}), **kwargs)

    def to_python(self, value):
        return " ".join((super().to_python(value) or "").splitlines())


class Whole(Told, forms.IntegerField):
    """A whole number; what is no number is refused here, its range by provisioning.applications.rules."""

    def __init__(self, *args, label: str = "", **kwargs):
        kwargs.setdefault("widget", DIGITS)
        super().__init__(*args, required=True, css="input short mono", **kwargs)
        self.widget.attrs.setdefault("autocomplete", "off")
        self.called(label)

    def called(self, label: str) -> None:
        super().called(label)
        self.error_messages |= dict.fromkeys(("required", "invalid"), f"{label} must be a whole number.")


class Choice(Told, forms.ChoiceField):
    pass


class Several(Told, forms.MultipleChoiceField):
    """Boxes to choose from; its value is a tuple. ``gone`` refuses what is not offered (any more); it has
    %(value)s."""

    def __init__(self, *args, gone: str, **kwargs):
        super().__init__(*args, css="", widget=forms.CheckboxSelectMultiple,
                         error_messages=dict.fromkeys(("invalid_choice", "invalid_list"), gone), **kwargs)

    def clean(self, value):
        return tuple(super().clean(value))


class Check(Told, forms.BooleanField):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, css="", **kwargs)


class Key(Told, forms.IntegerField):
    """The primary key of an object that is picked in a Browse dialog; None when nothing is. One that no object can have
    is refused before a database is asked for it."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("widget", forms.HiddenInput())
        super().__init__(*args, css="", min_value=0, max_value=10**KEY_DIGITS - 1, **kwargs)


def labelled(draft: type) -> Callable[[type[forms.Form]], type[forms.Form]]:
    """Decorates a form: its fields are called as those of ``draft`` are."""
    def decorate(form: type[forms.Form]) -> type[forms.Form]:
        for name, label in labels(draft).items():
            if name in form.base_fields:
                told(form.base_fields[name]).called(label)
        return form
    return decorate


def told(field: forms.Field) -> Told:
    """``field``, which is one of these."""
    if not isinstance(field, Told):
        raise TypeError(f"{field.label} knows neither its unit nor its rule")
    return field


def offered(form: forms.BaseForm, name: str) -> list[tuple[Any, Any]]:
    """What the field ``name`` can be set to."""
    return [*_chosen(form, name).choices]  # type: ignore[misc]  # the stubs say what it takes, not what it gives


def offer(form: forms.BaseForm, name: str, choices: Iterable[tuple[Any, Any]]) -> None:
    """Let the field ``name`` be set to ``choices``."""
    _chosen(form, name).choices = [*choices]


def _chosen(form: forms.BaseForm, name: str) -> forms.ChoiceField:
    field = form.fields[name]
    if not isinstance(field, forms.ChoiceField):
        raise TypeError(f"{name} is not chosen from a list")
    return field


def show_instead(form: forms.BaseForm, **values: str) -> None:
    """The sender of ``form`` is shown ``values`` now, whatever was posted."""
    data = form.data.copy() if isinstance(form.data, dict) else dict(form.data)
    for name, value in values.items():
        data[name] = value
    form.data = data
