"""Form fields that know their unit and the rule behind them; the page shows both (templates/pairwise/field.html)."""

from django import forms

DIGITS = forms.TextInput(attrs={"inputmode": "numeric"})
"""For whole numbers: a browser's own number field sends nothing at all of a text that is none."""


class _Told:
    """Adds ``unit`` (shown inside the field), ``rule`` (shown behind the "?") and ``must`` (marked as required; the
    sentence that refuses an empty one comes from provisioning.rules)."""

    def __init__(self, *args, unit: str = "", rule: str = "", must: bool = False, css: str = "input", **kwargs):
        self.unit, self.rule, self.must = unit, rule, must
        kwargs.setdefault("required", False)
        super().__init__(*args, **kwargs)
        if css:
            self.widget.attrs.setdefault("class", css)


class Text(_Told, forms.CharField):
    """One line. Blanks at the ends stay, so that the rules can say that they are there."""

    def __init__(self, *args, mono: bool = False, **kwargs):
        kwargs.setdefault("strip", False)
        super().__init__(*args, css="input mono" if mono else "input", **kwargs)
        self.widget.attrs.setdefault("autocomplete", "off")
        self.widget.attrs.setdefault("spellcheck", "false")


class Whole(_Told, forms.IntegerField):
    """A whole number; what is no number is refused here, its range by provisioning.rules."""

    def __init__(self, *args, label: str, **kwargs):
        sentence = f"{label} must be a whole number."
        kwargs.setdefault("widget", DIGITS)
        super().__init__(*args, label=label, required=True, css="input short mono",
                         error_messages={"required": sentence, "invalid": sentence}, **kwargs)
        self.widget.attrs.setdefault("autocomplete", "off")


class Choice(_Told, forms.ChoiceField):
    pass


class Check(_Told, forms.BooleanField):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, css="", **kwargs)


class Key(_Told, forms.IntegerField):
    """The primary key of an object that is picked in a Browse dialog; None when nothing is."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("widget", forms.HiddenInput())
        super().__init__(*args, css="", **kwargs)
