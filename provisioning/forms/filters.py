"""The filter rows of Jobs, Events, History, Hosts, Application Templates and Installation Packages."""

from django import forms
from django.urls import reverse_lazy
from django.utils.datastructures import MultiValueDict

from protocol.events import number_in
from provisioning.audit.registry import ordered
from provisioning.history import LABELS
from provisioning.states import (
    KNOWN_HOST_STATUSES,
    TOLD_LEVELS,
    ApplicationType,
    HistoryAction,
    JobKind,
    JobState,
    Severity,
    Verdict,
)


class FilterForm(forms.Form):
    """A filter in the query string, so that its address can be shared. What is not valid filters nothing."""

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


class Named(forms.CharField):
    """A name or a part of it. What there is of ``kind`` (a key of views.browse.NAMES) is offered while somebody types,
    out of any number: in a <datalist> that the page puts beside the field."""

    def __init__(self, label: str, kind: str):
        super().__init__(label=label)
        self.list_id = f"names-of-{kind}"
        self.widget.attrs |= {
            "list": self.list_id,
            "hx-get": reverse_lazy("browse-names", args=[kind]),
            "hx-trigger": "input changed delay:150ms, focus once", "hx-target": f"#{self.list_id}",
            "hx-swap": "innerHTML", "hx-sync": "this:replace", "hx-push-url": "false"}


def _choice(label: str, choices, any_label: str = "Any") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=[("", any_label), *choices])


class ApplicationFilter(FilterForm):
    """Of the list of applications what its template does not write out itself."""

    host = Named("Host", "hosts")


class JobFilter(FilterForm):
    application = Named("Application", "applications")
    host = Named("Host", "hosts")
    kind = _choice("Kind", JobKind.choices)
    state = _choice("State", [("active", "Active"), *JobState.choices])


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


class EventFilter(FilterForm):
    text = forms.CharField(label="Text")
    application = Named("Application", "applications")
    host = Named("Host", "hosts")
    number = EventNumberField(label="Number")
    level = _choice("Level", ((level, level.label) for level in TOLD_LEVELS))


class HistoryFilter(FilterForm):
    text = forms.CharField(label="Object or reason")
    object_type = _choice("Kind of object", LABELS.items())
    action = _choice("What", HistoryAction.choices)
    user = _choice("Who", [], "Anybody")
    object_id = forms.CharField(widget=forms.HiddenInput)
    request_id = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data, *, users: list[str]):
        super().__init__(data)
        self.fields["user"].choices = [("", "Anybody"), *((name, name) for name in users)]


class DeletedFilter(FilterForm):
    text = forms.CharField(label="Name")
    object_type = _choice("Kind of object", LABELS.items())


class HostFilter(FilterForm):
    text = forms.CharField(label="Name or address")
    status = _choice("Status", ((status, status.label) for status in KNOWN_HOST_STATUSES))


class CatalogFilter(FilterForm):
    text = forms.CharField(label="Name or version")
    type = _choice("Type", ApplicationType.choices)


class PairFilter(FilterForm):
    text = forms.CharField(label="Member or host")
    show = _choice("Show", [("trouble", "Trouble"), ("paused", "Automatic failover paused")], "All pairs")


def rule_choices() -> list[tuple[str, str]]:
    """Every rule of the audit as ``A27: Auto-Restart is on``."""
    return [(rule.code, f"{rule.code}: {rule.title}") for rule in ordered()]


class AuditFilter(FilterForm):
    text = forms.CharField(label="Pair")
    verdict = _choice("Verdict", Verdict.choices)
    host = Named("Host", "hosts")
    severity = _choice("Severity", Severity.choices)
    rule = _choice("Rule", [])
    show = _choice("Show", [("waived", "Waived findings"), ("unknown", "Rules not known"), ("single", "In no pair")],
                   "Everything")

    def __init__(self, data):
        super().__init__(data)
        self.fields["rule"].choices = [("", "Any"), *rule_choices()]


class WaiverFilter(FilterForm):
    text = forms.CharField(label="Pair, reason or person")
    state = _choice("State", [("active", "Active"), ("soon", "Ending soon"), ("ended", "Ended")])
    rule = _choice("Rule", [])

    def __init__(self, data):
        super().__init__(data)
        self.fields["rule"].choices = [("", "Any"), *rule_choices()]
