"""Filters of channels, notification rules and deliveries, and what somebody types about one."""

from collections.abc import Iterable, Mapping

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.urls import reverse_lazy

from provisioning.models import Channel, NotificationRule
from provisioning.models.applications import MASK
from provisioning.states import AlarmCategory, ChannelKind, DeliveryState
from provisioning.web.channels import Channels
from provisioning.web.fields import Check, Choice, Several, Text, Whole, offer, show_instead
from provisioning.web.filters import FilterForm, choice
from provisioning.web.layouts import Section, arranged

from .rules.drafts import ChannelDraft, RuleDraft
from .rules.kinds import ChannelField, fields_of
from .rules.named import as_text, names_in
from .rules.refusals import RULE_LABELS as LABELS
from .rules.times import zone_names
from .services import channels, rules

STATES = (("enabled", "Enabled"), ("disabled", "Disabled"))
LONGEST_LINE = 20_000


def suggested(field: forms.Field, named: str) -> None:
    """While somebody types into ``field``, names of ``named`` (a key of views.names.NAMED) are offered."""
    field.list_id = f"names-{named}"  # type: ignore[attr-defined]  # read by web/_filters.html and rule_form.html
    field.widget.attrs |= {
        "list": f"names-{named}", "autocomplete": "off", "hx-get": reverse_lazy("notification-names", args=[named]),
        "hx-trigger": "input changed delay:150ms, focus once", "hx-target": f"#names-{named}", "hx-swap": "innerHTML",
        "hx-sync": "this:replace", "hx-push-url": "false", "hx-disabled-elt": "unset"}


class ChannelFilter(FilterForm):
    text = forms.CharField(label="Name")
    kind = choice("Kind", ChannelKind.choices)
    state = choice("State", STATES)


class RuleFilter(FilterForm):
    text = forms.CharField(label="Name")
    channel = forms.CharField(label="Channel")
    state = choice("State", STATES)

    def __init__(self, data, **kwargs):
        super().__init__(data, **kwargs)
        suggested(self.fields["channel"], "channel")


class DeliveryFilter(FilterForm):
    text = forms.CharField(label="Text")
    state = choice("State", DeliveryState.choices)
    channel = forms.CharField(label="Channel")

    def __init__(self, data, **kwargs):
        super().__init__(data, **kwargs)
        suggested(self.fields["channel"], "channel")


class ChannelForm(forms.Form):
    """What every channel has. ``revision``: that of the row which its sender has seen, empty for a new one."""

    kind = Choice(label="Kind", choices=ChannelKind.choices, must=True)
    name = Text(label="Name", must=True)
    description = Text(label="Description")
    enabled = Check(label="Enabled", help_text="One that is disabled is sent nothing.")
    revision = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    @classmethod
    def of(cls, row: Channel | None, data=None, *, kind: str = "", typed: Mapping[str, str] | None = None):
        """``row`` is what is stored, None for a new one: of ``kind``, with what was ``typed`` already."""
        if row is None:
            form = cls(data, initial={"enabled": True, **(typed or {}), "kind": kind})
            form.fields["kind"].widget.attrs |= {
                "hx-get": reverse_lazy("channel-new"), "hx-trigger": "change", "hx-target": "#channel-kind",
                "hx-select": "#channel-kind", "hx-swap": "outerHTML", "hx-push-url": "false",
                "hx-disabled-elt": "unset"}
        else:
            stored = {name: getattr(row, name) for name in ("name", "description", "enabled", "kind", "revision")}
            form = cls(data, initial=stored)
            form.fields["kind"].widget = forms.HiddenInput()
        return form

    def draft(self, fields: dict[str, str]) -> ChannelDraft:
        return ChannelDraft(fields=fields, **{
            name: value for name, value in self.cleaned_data.items() if name != "revision"})

    def has_seen(self, revision: int) -> None:
        """The sender is shown what is stored now, beside what was typed."""
        show_instead(self, revision=str(revision))


class KindForm(forms.Form):
    """The fields of a kind of channel. In a page the name of a secret says that it is one: whatever keeps what is typed
    leaves it out then."""

    def __init__(self, kind: str, data=None, *, stored: Mapping[str, str] | None = None):
        super().__init__(data, initial={_name(field): (stored or {}).get(field.name, "") for field in fields_of(kind)})
        self.places = {field.name: _name(field) for field in fields_of(kind)}
        """{name of the field of a channel: that of the form's field}."""
        for field in fields_of(kind):
            self.fields[_name(field)] = _secret(field, stored or {}) if field.secret else Text(
                label=field.label, must=field.required, help_text=field.help)

    @classmethod
    def of(cls, row: Channel | None, kind: str, data=None) -> "KindForm":
        return cls(kind, data, stored=channels.draft_of(row).fields if row else None)

    def values(self) -> dict[str, str]:
        return {name: self.cleaned_data[of_form] for name, of_form in self.places.items()}


def _name(field: ChannelField) -> str:
    return f"secret_{field.name}" if field.secret else f"own_{field.name}"


def _secret(field: ChannelField, stored: Mapping[str, str]) -> Text:
    is_kept = stored.get(field.name) == MASK
    words = f"Stored, never shown. Type to replace it. {field.help}" if is_kept else f"{field.help} Never shown again."
    return Text(label=field.label, must=field.required, help_text=words.strip(), widget=forms.PasswordInput(
        render_value=True, attrs={"autocomplete": "new-password", "data-secret": ""}))


class _Names(Text):
    """Names of objects in one line; its value is a tuple."""

    def __init__(self, name: str, help_text: str):
        super().__init__(label=LABELS[name], max_length=LONGEST_LINE, strip=True, help_text=help_text)
        suggested(self, name)

    def prepare_value(self, value):
        return value if isinstance(value, str) or value is None else as_text(value)

    def clean(self, value):
        try:
            return names_in(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(f"{self.label} {error}") from None


class _Clock(forms.TimeField):
    """A time of the day; none is none."""

    def __init__(self, label: str, **kwargs):
        super().__init__(label=label, required=False, **kwargs,
                         widget=forms.TimeInput(format="%H:%M", attrs={"class": "input short mono", "type": "time"}),
                         error_messages={"invalid": f"{label} is a time of the day, for example 22:00."})


class RuleForm(forms.Form):
    """``revision``: that of the row which its sender has seen, empty for a new one. ``places``: {field of a rule: the
    form's field beside which it is said}, where they are not called the same."""

    places = {"quiet_hours": "quiet_from"}
    name = Text(label=LABELS["name"], must=True)
    channels = Channels(label=LABELS["channels"], must=True)
    enabled = Check(label=LABELS["enabled"], help_text="One that is disabled tells nobody.")
    categories = Several(label=LABELS["categories"], gone="%(value)s is no category.", choices=AlarmCategory.choices,
                         help_text="None means all. An empty field below means all, too.")
    conditions = _Names("conditions", "Names, with commas between them.")
    applications = _Names("applications", "MS_* is every name that begins so.")
    hosts = _Names("hosts", "Alarms that name these hosts.")
    pairs = _Names("pairs", "Names of Primary Servers: alarms of both members are told.")
    wait_s = Whole(label=LABELS["wait_s"], unit="s", help_text=(
        "An alarm that is cleared within that time is not told."))
    quiet_from = _Clock("Quiet From", help_text="What is due in Quiet Hours is told at their end. Empty: none.")
    quiet_to = _Clock("Quiet To")
    time_zone = Choice(label=LABELS["time_zone"], help_text="Of Quiet Hours.")
    repeat_h = Whole(label=LABELS["repeat_h"], unit="h", help_text=(
        "While an alarm is active and nobody has acknowledged it. 0: it is told once."))
    recovery = Check(label=LABELS["recovery"], help_text="Tell, too, when an alarm that was told is cleared.")
    group_s = Whole(label=LABELS["group_s"], unit="s", help_text=(
        "The first message goes at once; what comes within that time after it goes together."))
    limit_per_hour = Whole(label=LABELS["limit_per_hour"], unit="/ h", help_text=(
        "So many messages an hour through each channel; what is more comes as a digest."))
    revision = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        offer(self, "time_zone", zones(str(self.initial.get("time_zone", ""))))

    @property
    def helper(self) -> FormHelper:
        return arranged(
            "name", "channels", "enabled",
            Section("Which alarms", "categories", "conditions", "applications", "hosts", "pairs"),
            Section("When", "wait_s", "repeat_h", "recovery", "quiet_from", "quiet_to", "time_zone", "group_s",
                    "limit_per_hour"))

    @classmethod
    def of(cls, row: NotificationRule | None, data=None) -> "RuleForm":
        """``row`` is what is stored, None for a new one."""
        draft = rules.draft_of(row) if row else RuleDraft(name="")
        begins, _, ends = draft.quiet_hours.partition("-")
        return cls(data, initial={
            **vars(draft), "quiet_from": begins, "quiet_to": ends, "time_zone": draft.time_zone or settings.TIME_ZONE,
            "revision": row.revision if row else None})

    def clean(self):
        found = super().clean() or self.cleaned_data
        begins, ends = found.get("quiet_from"), found.get("quiet_to")
        if (begins is None) != (ends is None) and not {"quiet_from", "quiet_to"} & self.errors.keys():
            self.add_error("quiet_to" if ends is None else "quiet_from",
                           "Quiet Hours begin and end: fill in both, or neither.")
        return found

    def draft(self) -> RuleDraft:
        found = dict(self.cleaned_data)
        begins, ends, zone = (found.pop(name) for name in ("quiet_from", "quiet_to", "time_zone"))
        found.pop("revision")
        hours = f"{begins:%H:%M}-{ends:%H:%M}" if begins and ends else ""
        return RuleDraft(**found, quiet_hours=hours, time_zone=zone if hours else "")

    def has_seen(self, revision: int) -> None:
        """The sender is shown what is stored now, beside what was typed."""
        show_instead(self, revision=str(revision))


def zones(chosen: str) -> list[tuple[str, Iterable[tuple[str, str]]] | tuple[str, str]]:
    """Time zones by their part of the world; what is ``chosen`` is among them."""
    parts: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(zone_names()):
        part, _, place = name.partition("/")
        if place and part in _PARTS:
            parts.setdefault(part, []).append((name, name))
    of_all = {name for names in parts.values() for name, _ in names}
    alone = ["UTC", *([chosen] if chosen and chosen != "UTC" and chosen not in of_all else [])]
    return [*((name, name) for name in alone), *parts.items()]


_PARTS = frozenset({"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"})
